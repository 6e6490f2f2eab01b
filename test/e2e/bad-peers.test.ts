import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import {
  type BadPeer,
  endlessAnswer,
  httpAnswer,
  type Reaction,
  redirectsTo,
  says,
  showsPage,
  startBadPeer,
  withoutEnd,
  withTokenServer,
} from '../support/bad-peer.ts';
import { makeAuthority } from '../support/certificates.ts';
import { startFakeRegistry } from '../support/fake-registry.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { areHere } from './support/program.ts';
import { all, type Expected, SECRET, type Victim, victim } from './support/victim.ts';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const NO_HTTP = 'HOST does not speak HTTP as a registry does';
const NO_TOKEN = 'HOST, the token server of HOST, sent no token';
const WEB_PAGE = 'registry HOST: a web page came as the answer (200 Said)';
const NO_REGISTRY = 'HOST is not a registry';

/** What a server does, and what finch says to that. None of these is worth another try. */
const PEERS: Readonly<Record<string, readonly [Reaction, Expected]>> = {
  'shows a web page for everything': [
    showsPage(200),
    { pull: WEB_PAGE, push: WEB_PAGE, login: NO_REGISTRY },
  ],
  'shows a web page that nothing is there': [
    showsPage(404),
    {
      pull: 'HOST/app:1 is not in the registry',
      push: 'registry HOST: a web page came as the answer (404 Said)',
      login: NO_REGISTRY,
    },
  ],
  'sends everyone to a login page of its own': [
    (request, socket) =>
      (request.path.startsWith('/login') ? showsPage(200) : redirectsTo('/login?token=hush'))(
        request,
        socket,
      ),
    { pull: WEB_PAGE, push: WEB_PAGE, login: NO_REGISTRY },
  ],
  'redirects to a private address': [
    redirectsTo('https://user:hush@10.0.0.1/login?token=hush'),
    all('HOST redirects to 10.0.0.1, which is a private address'),
  ],
  'redirects to where clouds keep their secrets': [
    redirectsTo('http://169.254.169.254/latest/meta-data'),
    all('HOST redirects to 169.254.169.254, which is a private address'),
  ],
  'redirects to a file': [
    redirectsTo('file:///etc/passwd'),
    all('HOST redirects to something that is not HTTP'),
  ],
  'redirects in a circle': [redirectsTo('/v2/app'), all('HOST redirects in a circle')],
  'redirects without end': [
    ({ path }, socket) => redirectsTo(`${path}/x`)({ method: 'GET', path, headers: {} }, socket),
    all('HOST redirects more than 10 times'),
  ],
  'speaks another protocol': [() => 'SSH-2.0-OpenSSH_9.2\r\n\r\n', all(NO_HTTP)],
  'puts escapes into its headers': [
    says(403, { headers: { warning: '299 - "\x1b[31mhush"' } }),
    all(NO_HTTP),
  ],
  'sends headers without end': [withoutEnd('HTTP/1.1 200 OK\r\nx-header: '), all(NO_HTTP)],
  'sends thousands of challenges': [
    says(401, {
      headers: {
        'www-authenticate': Array.from(
          { length: 5000 },
          (_, i) => `Bearer realm="https://10.0.${i % 250}.1/t",scope="hush:${i}:y"`,
        ).join(', '),
      },
    }),
    all('registry HOST names a token server that is a private address'),
  ],
  'names a token server on another host without TLS': [
    says(401, { headers: { 'www-authenticate': 'Bearer realm="http://auth.invalid/hush"' } }),
    all('registry HOST names a token server that does not use TLS'),
  ],
  'puts escapes and secrets into its errors': [
    says(403, {
      body: JSON.stringify({
        errors: [
          {
            code: 'DENIED',
            message: '\x1b[2Jno\nfinch: x\u202e token=hush Bearer hush https://u:hush@x/?sig=hush',
          },
        ],
      }),
    }),
    {
      pull: /^finch: registry HOST: denied: \[2Jno finch: x token=REDACTED/,
      push: /^finch: registry HOST: denied: \[2Jno finch: x token=REDACTED/,
      login:
        /^finch: registry HOST asks for no login, and refuses without one: denied: \[2Jno finch: x token=REDACTED/,
    },
  ],
  'sends an error without end': [
    endlessAnswer(403, 'application/json'),
    {
      pull: 'registry HOST: 403 Said',
      push: 'registry HOST: 403 Said',
      login: 'registry HOST asks for no login, and refuses without one: 403 Said',
    },
  ],
  'says without end that it does not understand': [
    endlessAnswer(400, 'text/plain'),
    all('registry HOST: 400 Said'),
  ],
  'sends a manifest without end': [
    (request, socket) =>
      (request.method === 'HEAD' ? says(405) : endlessAnswer(200, MANIFEST))(request, socket),
    { pull: 'HOST sent more than 4194304 bytes', push: 'HOST sent more than 4194304 bytes' },
  ],
  'sends JSON that nobody asked for': [
    says(200, { headers: { 'content-type': MANIFEST }, body: '{}' }),
    { pull: /^finch: HOST\/app:1 / },
  ],
  'has a token server that shows a web page': [withTokenServer(showsPage(200)), all(NO_TOKEN)],
  'has a token server that sends a token with a line feed': [
    withTokenServer(says(200, { body: '{"token":"hush\\nx-header: y"}' })),
    all(NO_TOKEN),
  ],
  'has a token server that sends no object': [
    withTokenServer(says(200, { body: '5' })),
    all(NO_TOKEN),
  ],
  'has a token server that is somewhere else': [
    withTokenServer(showsPage(404)),
    all('the token server of HOST answered 404'),
  ],
  'has a token server that sends a token without end': [
    withTokenServer(endlessAnswer(200, 'application/json')),
    all('HOST sent more than 131072 bytes'),
  ],
  'is busy until the end of time': [
    says(503, { headers: { 'retry-after': '99999999999999' } }),
    all('registry HOST: 503 Said'),
  ],
  'wants to be left alone for seven thousand years': [
    says(429, { headers: { 'retry-after': 'Fri, 31 Dec 9999 23:59:59 GMT' } }),
    all('registry HOST: 429 Said'),
  ],
  'gives statuses that do not exist': [says(999), all('registry HOST: 999 Said')],
  'has nothing to say': [
    () => 'HTTP/1.1 204 Said\r\n\r\n',
    { pull: 'registry HOST: 204 Said', push: 'registry HOST: 204 Said', login: NO_REGISTRY },
  ],
};

// One home for all: no failure may leave anything in it.
let home: Victim;
beforeAll(async () => {
  home = await victim();
});
afterAll(() => home[Symbol.asyncDispose]());

describe('a server that', () => {
  for (const [does, [reaction, expected]] of Object.entries(PEERS)) {
    test(`${does} gets one clear error`, async () => {
      await using peer = await startBadPeer(reaction);
      await home.fails(peer, expected);
    });
  }

  test('sends a compressed manifest of 64 MiB gets one clear error', async () => {
    const bomb = Bun.gzipSync(Buffer.alloc(64 * 1024 * 1024, ' ')).toBase64();
    await using registry = startFakeRegistry({
      script: ({ method }) =>
        method === 'HEAD'
          ? new Response(null, { status: 405 })
          : new Response(Uint8Array.fromBase64(bomb), {
              headers: { 'content-type': MANIFEST, 'content-encoding': 'gzip' },
            }),
    });
    await home.fails(registry, { pull: /^finch: HOST\/app:1 / });
  });

  test('sends interim answers before the real ones is understood', async () => {
    const interim = 'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n'.repeat(100);
    await using peer = await startBadPeer(() => interim + httpAnswer(200, { body: '{}' }));
    const login = `login -u me --password-stdin ${peer.host}`;
    expect(await home.bench.ok(login, { stdin: SECRET })).toBe('Login Succeeded\n');
  });

  test('gets a blob elsewhere sees neither login nor token there', async () => {
    const other: BadPeer = await startBadPeer(says(201));
    await using _other = other;
    await using registry = startFakeRegistry({
      script: ({ method, headers }, { pathname }) => {
        if (!headers.has('authorization')) {
          const realm = { 'www-authenticate': 'Basic realm="x"' };
          return new Response(null, { status: 401, headers: realm });
        }
        return method === 'POST' && pathname.endsWith('/uploads/')
          ? new Response(null, { status: 202, headers: { location: `${other.url}up?x=1` } })
          : undefined;
      },
    });
    await home.bench.ok(`login -u me --password-stdin ${registry.host}`, { stdin: SECRET });
    await home.bench.ok(`tag hello-finch ${registry.host}/app`);
    await home.bench.ok(`push ${registry.host}/app`);
    expect(other.requests.length).toBeGreaterThan(0);
    expect(other.requests.filter(({ headers }) => 'authorization' in headers)).toEqual([]);
  });
});

describe('a proxy', () => {
  const throughProxy = (proxy: string, message: string) => {
    const env = { HTTPS_PROXY: proxy, https_proxy: proxy };
    return home.fails({ host: 'registry.invalid' }, all(message), env);
  };

  test('that wants another login, or shows a web page, gets one clear error', async () => {
    for (const answer of [
      says(407, { headers: { 'proxy-authenticate': 'Basic realm="office"' } }),
      showsPage(403),
    ]) {
      await using peer = await startBadPeer(answer);
      const message = `the proxy ${peer.host} opened no way to HOST`;
      await throughProxy(`http://me:${SECRET}@${peer.host}`, message);
      // The tag and the root are asked for side by side.
      const methods = peer.requests.map(({ method }) => method);
      expect(new Set(methods)).toEqual(new Set(['CONNECT']));
      expect(methods.length).toBeLessThanOrEqual(6);
    }
  });

  test('that is not there gets a hint to the proxy settings', async () => {
    const peer = await startBadPeer(says(200));
    await peer[Symbol.asyncDispose]();
    await throughProxy(
      `http://me:${SECRET}@${peer.host}`,
      `cannot connect to the proxy ${peer.host}: connection refused`,
    );
  });
});

describe.skipIf(!areHere('openssl'))('a certificate', () => {
  const cases = {
    'that has expired': [{ days: -1 }, 'the certificate of HOST has expired or is not valid yet'],
    'that is signed by itself': [{ selfSigned: true }, 'the certificate of HOST is not trusted'],
    'for another name': [
      { names: 'DNS:other.invalid' },
      'the certificate of HOST is for another host name',
    ],
  } as const;
  for (const [which, [options, message]] of Object.entries(cases)) {
    test(`${which} is refused, and the login is not sent`, async () => {
      await using folder = await temporaryFolder();
      const { ca, ...tls } = await makeAuthority(folder.path, options);
      await using peer = await startBadPeer(says(200), tls);
      await home.fails(peer, all(message), { SSL_CERT_FILE: ca });
      expect(peer.requests).toEqual([]);
    });
  }
});
