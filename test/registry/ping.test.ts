import { expect, test } from 'bun:test';
import { sendRequest, type Transport } from '../../src/http/transport.ts';
import { checkLogin } from '../../src/registry/ping.ts';
import { CANARY } from '../support/canary.ts';
import { startFakeRegistry } from '../support/fake-registry.ts';

const credential = { kind: 'password' as const, username: 'me', secret: CANARY };
const check = (host: string) => checkLogin(host, { transport: sendRequest, credential });

test('checkLogin() asks the token server without a scope, and proves the token', async () => {
  await using registry = startFakeRegistry({
    script: ({ headers }, url) => {
      if (url.pathname === '/token') return Response.json({ token: 'abc' });
      if (headers.get('authorization') === 'Bearer abc') return undefined;
      const challenge = `Bearer realm="${url.origin}/token",service="s",scope=""`;
      return new Response(null, { status: 401, headers: { 'www-authenticate': challenge } });
    },
  });
  await check(registry.host);
  expect(registry.lines()).toEqual([
    'GET /v2/',
    'GET /token?service=s&account=me&client_id=finch&offline_token=true',
    'GET /v2/',
  ]);
});

test('checkLogin() reports what the token server says of a wrong password', async () => {
  await using registry = startFakeRegistry({
    script: (_, url) => {
      if (url.pathname === '/token')
        return Response.json({ details: 'incorrect username or password' }, { status: 401 });
      const challenge = `Bearer realm="${url.origin}/token",service="s"`;
      return new Response(null, { status: 401, headers: { 'www-authenticate': challenge } });
    },
  });
  await expect(check(registry.host)).rejects.toMatchObject({
    code: 'UNAUTHENTICATED',
    message: `login to ${registry.host} was refused: incorrect username or password`,
  });
});

test('checkLogin() of a host that is no registry says so', async () => {
  await using registry = startFakeRegistry({
    script: () => new Response('hello', { status: 404 }),
  });
  await expect(check(registry.host)).rejects.toMatchObject({
    code: 'REGISTRY',
    message: `${registry.host} is not a registry`,
  });
});

/** A registry whose token server gives refresh tokens. `rotates`: each is good for one use. */
function refreshingRegistry({ rotates = false, post = 200 } = {}) {
  let given = 0;
  const good = new Set<string>(['kept']);
  const next = () => {
    given += 1;
    good.add(`r${given}`);
    return `r${given}`;
  };
  return startFakeRegistry({
    async script(request, url) {
      if (url.pathname !== '/token') {
        if (request.headers.get('authorization') === 'Bearer abc') return undefined;
        const challenge = `Bearer realm="${url.origin}/token",service="s"`;
        return new Response(null, { status: 401, headers: { 'www-authenticate': challenge } });
      }
      if (request.method === 'GET') return Response.json({ token: 'abc', refresh_token: next() });
      const used = new URLSearchParams(await request.text()).get('refresh_token') ?? '';
      if (post !== 200 || !good.has(used))
        return new Response(null, { status: post === 200 ? 400 : post });
      if (!rotates) return Response.json({ access_token: 'abc' });
      good.delete(used);
      return Response.json({ access_token: 'abc', refresh_token: next() });
    },
  });
}

test('checkLogin() gives the identity token of a token server in place of the password', async () => {
  await using registry = refreshingRegistry();
  expect(await check(registry.host)).toEqual({
    credential: { kind: 'identity-token', token: 'r1' },
    trusted: [],
  });
});

test.each([
  ['is good for one use only', { rotates: true }],
  ['is refused', { post: 401 }],
  ['cannot be sent', { post: 404 }],
])('checkLogin() gives the password back when the identity token %s', async (_, options) => {
  await using registry = refreshingRegistry(options);
  expect((await check(registry.host)).credential).toBe(credential);
});

test('checkLogin() of an identity token gives it back, or the one that took its place', async () => {
  const kept = { kind: 'identity-token', token: 'kept' } as const;
  for (const rotates of [false, true]) {
    await using registry = refreshingRegistry({ rotates });
    const checked = await checkLogin(registry.host, { transport: sendRequest, credential: kept });
    if (rotates) expect(checked.credential).toEqual({ kind: 'identity-token', token: 'r1' });
    else expect(checked.credential).toBe(kept);
  }
});

/** A registry over a scripted transport, whose token server has the name of another owner. */
function strangerRealm() {
  const sent: string[] = [];
  const transport: Transport = async ({ url, headers = {} }) => {
    sent.push(url.host);
    const isGood = headers['authorization'] === 'Bearer abc';
    const response =
      url.host === 'auth.stranger.test'
        ? Response.json({ token: 'abc' })
        : new Response(isGood ? '{}' : null, {
            status: isGood ? 200 : 401,
            headers: { 'www-authenticate': 'Bearer realm="https://auth.stranger.test/token"' },
          });
    Object.defineProperty(response, 'url', { value: url.href });
    return response;
  };
  return { sent, transport };
}

test('checkLogin() sends nothing to a token server that the user does not trust', async () => {
  const { sent, transport } = strangerRealm();
  await expect(checkLogin('registry.test', { transport, credential })).rejects.toMatchObject({
    code: 'REGISTRY',
    hint: 'if you trust auth.stranger.test with it: finch login --trust-realm auth.stranger.test registry.test',
  });
  expect(sent).toEqual(['registry.test']);
});

test('checkLogin() tells which token servers the user has newly trusted', async () => {
  const { transport } = strangerRealm();
  const trustRealms = ['auth.stranger.test', 'unused.test'];
  const options = { transport, credential, trustRealms };
  expect((await checkLogin('registry.test', options)).trusted).toEqual(['auth.stranger.test']);
  const trust = { isTrusted: async () => true };
  expect((await checkLogin('registry.test', { ...options, trust })).trusted).toEqual([]);
});

test('checkLogin() refuses a host to trust that is none before it asks anything', async () => {
  const { sent, transport } = strangerRealm();
  const options = { transport, credential, trustRealms: ['a b'] };
  await expect(checkLogin('registry.test', options)).rejects.toMatchObject({ code: 'USAGE' });
  expect(sent).toEqual([]);
});
