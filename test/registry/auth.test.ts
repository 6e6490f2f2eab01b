import { expect, test } from 'bun:test';
import {
  type FakeRegistry,
  registryErrorBody,
  startFakeRegistry,
} from '../support/fake-registry.ts';
import { openTestRepository, recordingTransport } from '../support/open-test-repository.ts';

const me = { kind: 'password' as const, username: 'me', secret: 'pass:word' };
const basic = `Basic ${btoa('me:pass:word')}`;
const absent = `sha256:${'0'.repeat(64)}`;

/** A token server that counts, and a registry that wants its tokens. */
function bearerRegistry(answer: (url: URL, request: Request) => unknown = () => ({})) {
  const asked: { readonly url: URL; readonly authorization: string | null }[] = [];
  const tokens = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      const url = new URL(request.url);
      asked.push({ url, authorization: request.headers.get('authorization') });
      const body = answer(url, request) ?? {};
      return body instanceof Response
        ? body
        : Response.json({ token: `t${asked.length}`, ...body });
    },
  });
  const accepted = { token: '*' };
  const registry = startFakeRegistry({
    script(request, url) {
      const sent = request.headers.get('authorization');
      if (
        sent?.startsWith('Bearer ') &&
        (accepted.token === '*' || sent === `Bearer ${accepted.token}`)
      ) {
        return undefined;
      }
      const name = /^\/v2\/(.+)\/(?:blobs|manifests|tags)\//.exec(url.pathname)?.[1] ?? '';
      const actions = request.method === 'GET' || request.method === 'HEAD' ? 'pull' : 'pull,push';
      const challenge = `Bearer realm="http://127.0.0.1:${tokens.port}/token?own=1",service="reg",scope="repository:${name}:${actions}"`;
      return new Response(null, { status: 401, headers: { 'www-authenticate': challenge } });
    },
  });
  return {
    asked,
    accepted,
    registry,
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      await tokens.stop(true);
    },
  };
}

const authorizations = ({ requests }: FakeRegistry) =>
  requests.map(({ headers }) => headers.get('authorization'));

test('the first request is challenged and all later ones carry the token at once', async () => {
  await using server = bearerRegistry();
  const repository = openTestRepository(server.registry.host, { credential: me });
  await repository.resolve('a');
  await repository.resolve('b');
  expect(authorizations(server.registry)).toEqual([null, 'Bearer t1', 'Bearer t1']);
  expect(server.asked.map(({ url, authorization }) => [url.search, authorization])).toEqual([
    ['?own=1&service=reg&scope=repository%3Aapp%3Apull%2Cpush', basic],
  ]);
});

test('many first requests at once cost one challenge and one token', async () => {
  await using server = bearerRegistry();
  const repository = openTestRepository(server.registry.host);
  await Promise.all(['a', 'b', 'c', 'd', 'e'].map((tag) => repository.resolve(tag)));
  expect(authorizations(server.registry).filter((header) => header === null)).toHaveLength(1);
  expect(server.asked).toHaveLength(1);
});

test('without a credential the token server is asked anonymously', async () => {
  await using server = bearerRegistry();
  await openTestRepository(server.registry.host).resolve('a');
  expect(server.asked[0]?.authorization).toBeNull();
});

test('a token that ends soon is replaced before the next request', async () => {
  await using server = bearerRegistry(() => ({ expires_in: 300 }));
  let now = 1_000_000;
  const retry = { now: () => now };
  const repository = openTestRepository(server.registry.host, { retry });
  await repository.resolve('a');
  now += 269_000;
  await repository.resolve('b');
  now += 2_000;
  await repository.resolve('c');
  expect(authorizations(server.registry)).toEqual([null, 'Bearer t1', 'Bearer t1', 'Bearer t2']);
});

test('a token that says nothing of its life, or less, is kept for half a minute', async () => {
  for (const body of [{}, { expires_in: 1 }, { expires_in: 'x' }]) {
    await using server = bearerRegistry(() => body);
    let now = 1_000_000;
    const repository = openTestRepository(server.registry.host, { retry: { now: () => now } });
    await repository.resolve('a');
    now += 29_000;
    await repository.resolve('b');
    now += 2_000;
    await repository.resolve('c');
    expect(server.asked).toHaveLength(2);
  }
});

test('a token that claims to live for ever is kept for a day at most', async () => {
  for (const expires_in of [1e308, 1e12]) {
    await using server = bearerRegistry(() => ({ expires_in }));
    let now = 1_000_000;
    const repository = openTestRepository(server.registry.host, { retry: { now: () => now } });
    await repository.resolve('a');
    now += 3_600_000;
    await repository.resolve('b');
    expect(server.asked).toHaveLength(1);
    now += 86_400_000;
    await repository.resolve('c');
    expect(server.asked).toHaveLength(2);
  }
});

test('a token that the registry no longer takes is replaced once, and the request sent again', async () => {
  await using server = bearerRegistry();
  const repository = openTestRepository(server.registry.host);
  await repository.resolve('a');
  server.accepted.token = 't2';
  expect(await repository.resolve('b')).toBeUndefined();
  expect(authorizations(server.registry)).toEqual([null, 'Bearer t1', 'Bearer t1', 'Bearer t2']);
});

test('access_token is as good as token', async () => {
  await using server = bearerRegistry(() => ({ token: undefined, access_token: 'other' }));
  await openTestRepository(server.registry.host).resolve('a');
  expect(authorizations(server.registry)).toEqual([null, 'Bearer other']);
});

test('a fresh token that is refused is UNAUTHENTICATED, with the login command', async () => {
  await using server = bearerRegistry();
  server.accepted.token = 'none';
  const { host } = server.registry;
  await expect(openTestRepository(host, { credential: me }).tags()).rejects.toMatchObject({
    code: 'UNAUTHENTICATED',
    message: `registry ${host}: 401 Unauthorized`,
    hint: `log in with: finch login ${host}`,
  });
  expect(server.asked).toHaveLength(1);
});

test('a token server that refuses the login is UNAUTHENTICATED, with its reason', async () => {
  await using server = bearerRegistry(() =>
    Response.json({ details: 'incorrect username\u001b[31m or password' }, { status: 401 }),
  );
  const { host } = server.registry;
  await expect(openTestRepository(host, { credential: me }).tags()).rejects.toMatchObject({
    code: 'UNAUTHENTICATED',
    message: `registry ${host}: incorrect username [31m or password`,
    hint: `log in with: finch login ${host}`,
  });
});

test.each([
  ['no token', () => ({ token: '' })],
  ['a token that is no header value', () => ({ token: 'a\r\nb' })],
  ['no JSON', () => new Response('<html>')],
  ['200 KiB', () => new Response(' '.repeat(200_000))],
])('a token server that sends %s is REGISTRY', async (_, answer) => {
  await using server = bearerRegistry(answer);
  const tags = openTestRepository(server.registry.host).tags();
  await expect(tags).rejects.toMatchObject({ code: 'REGISTRY' });
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

test('a challenge of a server that was redirected to is none of our business', async () => {
  await using other = startFakeRegistry({
    script: () =>
      new Response(null, { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }),
  });
  await using registry = startFakeRegistry({
    script: ({ headers }, { pathname }) => {
      if (headers.get('authorization') !== basic) {
        return new Response(null, {
          status: 401,
          headers: { 'www-authenticate': 'Basic realm="x"' },
        });
      }
      return Response.redirect(`${other.origin}${pathname}`, 307);
    },
  });
  const repository = openTestRepository(registry.host, { credential: me });
  const opening = repository.open({ mediaType: 'x', digest: absent as never, size: 1 });
  await expect(opening).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(authorizations(other)).toEqual([null]);
});

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

test('a refused HEAD is asked again as GET, for the reason', async () => {
  await using registry = startFakeRegistry({
    script: ({ method }) =>
      method === 'HEAD'
        ? new Response(null, { status: 403 })
        : registryErrorBody(403, 'DENIED', 'not yours'),
  });
  await expect(openTestRepository(registry.host).resolve('a')).rejects.toMatchObject({
    code: 'DENIED',
    message: `registry ${registry.host}: denied: not yours`,
  });
});
