import { expect, test } from 'bun:test';
import { authorizations, challenged, startBearerRegistry } from '../support/bearer-registry.ts';
import { registryErrorBody, startFakeRegistry } from '../support/fake-registry.ts';
import { openTestRepository, recordingTransport } from '../support/open-test-repository.ts';

const me = { kind: 'password' as const, username: 'me', secret: 'pass:word' };
const basic = `Basic ${btoa('me:pass:word')}`;
const absent = `sha256:${'0'.repeat(64)}`;

test('the first request is challenged and all later ones carry the token at once', async () => {
  await using server = startBearerRegistry();
  const repository = openTestRepository(server.registry.host, { credential: me });
  await repository.resolve('a');
  await repository.resolve('b');
  expect(authorizations(server.registry)).toEqual([null, 'Bearer t1', 'Bearer t1']);
  expect(server.asked.map(({ url, authorization }) => [url.search, authorization])).toEqual([
    ['?own=1&service=reg&scope=repository%3Aapp%3Apull%2Cpush&account=me&client_id=finch', basic],
  ]);
});

test('without a credential the token server is asked anonymously', async () => {
  await using server = startBearerRegistry();
  await openTestRepository(server.registry.host).resolve('a');
  expect(server.asked[0]?.authorization).toBeNull();
});

test('a fresh token that is refused is DENIED, and says what was asked for', async () => {
  await using server = startBearerRegistry();
  server.accepted.token = 'none';
  const { host } = server.registry;
  await expect(openTestRepository(host, { credential: me }).tags()).rejects.toMatchObject({
    code: 'DENIED',
    message: `registry ${host}: 401 Unauthorized (asked for repository:app:pull,push)`,
    hint: `check that your account may use ${host}/app, or log in as another with: finch login ${host}`,
  });
  expect(server.asked).toHaveLength(1);
});

test('a fresh token of nobody that is refused is UNAUTHENTICATED, with the login command', async () => {
  await using server = startBearerRegistry();
  server.accepted.token = 'none';
  const { host } = server.registry;
  await expect(openTestRepository(host).tags()).rejects.toMatchObject({
    code: 'UNAUTHENTICATED',
    message: `registry ${host}: 401 Unauthorized`,
    hint: `log in with: finch login ${host}`,
  });
});

test('what the token grants is named when it is refused', async () => {
  const claims = { access: [{ type: 'repository', name: 'app', actions: ['pull'] }] };
  const token = `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.sig`;
  await using server = startBearerRegistry(() => ({ token }));
  server.accepted.token = 'none';
  await expect(
    openTestRepository(server.registry.host, { credential: me }).resolve('a'),
  ).rejects.toMatchObject({
    code: 'DENIED',
    message: expect.stringMatching(
      / \(asked for repository:app:pull,push, the token grants repository:app:pull\)$/,
    ),
  });
});

test('a token that the registry itself takes is sent as it is, once the registry asks', async () => {
  await using server = startBearerRegistry();
  server.accepted.token = 'as-it-is';
  const credential = { kind: 'registry-token', token: 'as-it-is' } as const;
  const repository = openTestRepository(server.registry.host, { credential });
  await repository.resolve('a');
  await repository.resolve('b');
  expect(authorizations(server.registry)).toEqual([null, 'Bearer as-it-is', 'Bearer as-it-is']);
  expect(server.asked).toEqual([]);
});

test('a 401 without a challenge is answered as the root of the API asks', async () => {
  await using server = startBearerRegistry();
  server.challenge.only = '/v2/';
  const repository = openTestRepository(server.registry.host, { credential: me });
  await repository.resolve('a');
  await repository.resolve('b');
  expect(server.registry.lines()).toEqual([
    'HEAD /v2/app/manifests/a',
    'GET /v2/',
    'HEAD /v2/app/manifests/a',
    'HEAD /v2/app/manifests/b',
  ]);
});

test('a 401 without a challenge anywhere is UNAUTHENTICATED', async () => {
  await using registry = startFakeRegistry({ script: () => new Response(null, { status: 401 }) });
  await expect(openTestRepository(registry.host, { credential: me }).tags()).rejects.toMatchObject({
    code: 'UNAUTHENTICATED',
  });
  expect(registry.lines()).toEqual(['GET /v2/app/tags/list', 'GET /v2/']);
});

test('a registry that wants Basic after Bearer gets it', async () => {
  await using server = startBearerRegistry();
  const repository = openTestRepository(server.registry.host, { credential: me });
  await repository.resolve('a');
  server.challenge.instead = 'Basic realm="x"';
  await repository.resolve('b');
  expect(authorizations(server.registry)).toEqual([null, 'Bearer t1', 'Bearer t1', basic]);
});

test('Basic is answered with the credential, and only after it was asked for', async () => {
  await using registry = startFakeRegistry({
    script: ({ headers }) =>
      headers.get('authorization') === basic
        ? undefined
        : new Response(null, {
            status: 401,
            headers: { 'www-authenticate': 'Negotiate, BASIC realm="a, b"' },
          }),
  });
  const repository = openTestRepository(registry.host, { credential: me });
  await repository.resolve('a');
  await repository.resolve('b');
  expect(authorizations(registry)).toEqual([null, basic, basic]);
});

test('of several challenges in several headers Bearer is followed first', async () => {
  await using server = startBearerRegistry();
  const realm = `http://${server.tokens}/token`;
  await using registry = startFakeRegistry({
    script: ({ headers }) => {
      if (headers.get('authorization') === 'Bearer t1') return undefined;
      const response = new Response(null, { status: 401 });
      response.headers.append('www-authenticate', 'Negotiate YWJj==');
      response.headers.append('www-authenticate', 'Basic realm="a, b", NTLM');
      response.headers.append('www-authenticate', `Digest realm="x", Bearer realm="${realm}"`);
      return response;
    },
  });
  await openTestRepository(registry.host, { credential: me }).resolve('a');
  expect(authorizations(registry)).toEqual([null, 'Bearer t1']);
});

test('Basic is followed where Bearer names no token server', async () => {
  await using registry = startFakeRegistry({
    script: ({ headers }) =>
      headers.get('authorization') === basic
        ? undefined
        : challenged('Bearer realm="",service="x", Basic realm="y"'),
  });
  await openTestRepository(registry.host, { credential: me }).resolve('a');
  expect(authorizations(registry)).toEqual([null, basic]);
});

test('a wrong Basic credential is refused after one try', async () => {
  await using registry = startFakeRegistry({
    script: () =>
      new Response(null, { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }),
  });
  await expect(openTestRepository(registry.host, { credential: me }).tags()).rejects.toMatchObject({
    code: 'UNAUTHENTICATED',
  });
  expect(authorizations(registry)).toEqual([null, basic]);
});

test('a registry without authentication is sent none, whatever the keychain holds', async () => {
  await using registry = startFakeRegistry();
  await openTestRepository(registry.host, { credential: me }).resolve('a');
  expect(authorizations(registry)).toEqual([null]);
});

test.each(['Basic realm="x"', 'Bearer realm="http://HOST/token"'])(
  'the challenge %s of a server that was redirected to is none of our business',
  async (challenge) => {
    await using other = startFakeRegistry({
      script: (_, { host }) => challenged(challenge.replace('HOST', host)),
    });
    await using registry = startFakeRegistry({
      script({ headers }, { pathname }) {
        if (headers.get('authorization') !== basic) return challenged('Basic realm="x"');
        const isBlob = pathname.includes('/blobs/');
        return isBlob ? Response.redirect(`${other.origin}${pathname}`, 307) : undefined;
      },
    });
    const repository = openTestRepository(registry.host, { credential: me });
    await repository.resolve('a');
    const opening = repository.open({ mediaType: 'x', digest: absent as never, size: 1 });
    await expect(opening).rejects.toMatchObject({
      code: 'REGISTRY',
      message: `registry ${registry.host} leads to ${other.host}, which refuses the request: 401 Unauthorized`,
      hint: `try again later, or ask who runs ${registry.host}`,
    });
    expect(other.lines()).toEqual([`GET /v2/app/blobs/${absent}`]);
    expect(authorizations(other)).toEqual([null]);
  },
);

test.each([
  ['http://169.254.169.254/token', 'does not use TLS'],
  ['https://169.254.169.254/token', 'is a private address'],
  ['https://10.0.0.1/token', 'is a private address'],
  ['https://[fd00::1]/token', 'is a private address'],
  ['https://[::ffff:10.0.0.1]/token', 'is a private address'],
  ['https://0.0.0.0/token', 'is a private address'],
  ['https://auth.localhost/token', 'is an address of this machine'],
  ['https://localhost./token', 'is an address of this machine'],
  ['https://127.0.0.1:1/token', 'is an address of this machine'],
  ['http://auth.test/token', 'does not use TLS'],
  ['https://me:secret@auth.test/token', 'carries a login'],
  ['not an address', 'is no address'],
])('a registry over TLS cannot send a login to %s', async (realm, why) => {
  const { sent, transport } = recordingTransport();
  const scripted: typeof transport = async (request) => {
    sent.push(request);
    const headers = { 'www-authenticate': `Bearer realm="${realm}"` };
    const response = new Response(null, { status: 401, headers });
    Object.defineProperty(response, 'url', { value: request.url.href });
    return response;
  };
  const repository = openTestRepository('registry.test', { credential: me, transport: scripted });
  await expect(repository.tags()).rejects.toMatchObject({
    code: 'REGISTRY',
    message: `registry registry.test names a token server that ${why}`,
  });
  expect(sent.map(({ url }) => url.host)).toEqual(['registry.test']);
});

test('403 is DENIED, and says what the registry said', async () => {
  await using registry = startFakeRegistry({
    script: () => registryErrorBody(403, 'DENIED', 'requested access to the resource is denied'),
  });
  await expect(openTestRepository(registry.host).tags()).rejects.toMatchObject({
    code: 'DENIED',
    message: `registry ${registry.host}: denied: requested access to the resource is denied`,
    hint: `check that your account may use ${registry.host}/app, or log in as another with: finch login ${registry.host}`,
  });
});

test('403 of a request with a token says what that was asked for, and is not tried again', async () => {
  await using server = startBearerRegistry();
  const { registry, asked, challenge } = server;
  const repository = openTestRepository(registry.host, { credential: me });
  await repository.resolve('a');
  challenge.denies = true;
  await expect(repository.tags()).rejects.toMatchObject({
    code: 'DENIED',
    message: `registry ${registry.host}: denied: not yours (asked for repository:app:pull,push)`,
  });
  expect(asked).toHaveLength(1);
  expect(authorizations(registry)).toEqual([null, 'Bearer t1', 'Bearer t1']);
});

test('a refused HEAD is asked again as GET, for the reason', async () => {
  await using registry = startFakeRegistry({
    script: ({ method }) =>
      method === 'HEAD'
        ? new Response(null, { status: 403 })
        : registryErrorBody(403, 'DENIED', 'not yours'),
  });
  const repository = openTestRepository(registry.host, { access: 'pull' });
  await expect(repository.resolve('a')).rejects.toMatchObject({
    code: 'DENIED',
    message: `registry ${registry.host}: denied: not yours`,
  });
});
