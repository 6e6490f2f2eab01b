import { describe, expect, test } from 'bun:test';
import { sendRequest, type Transport } from '../../src/http/transport.ts';
import { checkLogin } from '../../src/registry/ping.ts';
import { authorizations } from '../support/bearer-registry.ts';
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
    credential: { kind: 'identity-token', token: 'r1', username: 'me' },
    trusted: [],
    accepted: [registry.host],
    realms: [],
    isAsked: true,
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
function strangerRealm(realm = 'auth.stranger.test') {
  const sent: string[] = [];
  const transport: Transport = async ({ url, headers = {} }) => {
    sent.push(url.host);
    const isGood = headers['authorization'] === 'Bearer abc';
    const response =
      url.host === realm
        ? Response.json({ token: 'abc', refresh_token: 'refresh-me' })
        : new Response(isGood ? '{}' : null, {
            status: isGood ? 200 : 401,
            headers: { 'www-authenticate': `Bearer realm="https://${realm}/token"` },
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
  const checked = await checkLogin('registry.test', options);
  expect(checked.trusted).toEqual(['auth.stranger.test']);
  expect(checked.realms).toEqual(['auth.stranger.test']);
  const trust = { isTrusted: async () => true };
  const again = await checkLogin('registry.test', { ...options, trust });
  expect(again.trusted).toEqual([]);
  expect(again.realms).toEqual(['auth.stranger.test']);
});

test('checkLogin() keeps the identity token that a token server beside the registry has just given', async () => {
  const { transport } = strangerRealm('auth.example.test');
  const checked = await checkLogin('registry.example.test', { transport, credential });
  expect(checked).toEqual({
    credential: { kind: 'identity-token', token: 'refresh-me', username: 'me' },
    trusted: [],
    accepted: ['auth.example.test'],
    realms: ['auth.example.test'],
    isAsked: true,
  });
});

test('checkLogin() refuses a host to trust that is none before it asks anything', async () => {
  const { sent, transport } = strangerRealm();
  const options = { transport, credential, trustRealms: ['a b'] };
  await expect(checkLogin('registry.test', options)).rejects.toMatchObject({ code: 'USAGE' });
  expect(sent).toEqual([]);
});

describe('checkLogin() of a registry that lets everybody in', () => {
  const open = (ok: string) =>
    startFakeRegistry({
      script: ({ headers }) => {
        const shown = headers.get('authorization');
        if (shown === null || shown === ok) return undefined;
        const challenge = { 'www-authenticate': 'Basic realm="x"' };
        return new Response(null, { status: 401, headers: challenge });
      },
    });
  const basic = (secret: string) => `Basic ${Buffer.from(`me:${secret}`).toString('base64')}`;

  test('shows it a password all the same, and says that it did not ask', async () => {
    await using registry = open(basic(CANARY));
    expect(await check(registry.host)).toEqual({
      ...{ credential, trusted: [], accepted: [], realms: [], isAsked: false },
    });
    expect(authorizations(registry)).toEqual([null, basic(CANARY)]);
  });

  test('fails when it refuses that, after one try', async () => {
    await using registry = open(basic('another'));
    await expect(check(registry.host)).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      message: `login to ${registry.host} was refused: 401 Unauthorized`,
    });
    expect(authorizations(registry)).toEqual([null, basic(CANARY)]);
  });

  for (const status of [400, 404, 500]) {
    test(`takes its answer ${status} to what it did not ask for as none about the login`, async () => {
      await using registry = startFakeRegistry({
        script: ({ headers }) =>
          headers.has('authorization') ? new Response(null, { status }) : undefined,
      });
      expect(await check(registry.host)).toMatchObject({ credential, isAsked: false });
    });
  }

  test('shows it no token', async () => {
    await using registry = open('');
    for (const kind of ['identity-token', 'registry-token'] as const) {
      const token = { kind, token: 'secret-token' };
      const options = { transport: sendRequest, credential: token };
      expect((await checkLogin(registry.host, options)).isAsked).toBe(false);
    }
    expect(authorizations(registry)).toEqual([null, null]);
  });
});

test.each([
  ['in no way', 401, '401 Unauthorized', {}],
  ['in no way, with 403,', 403, '403 Forbidden', {}],
  [
    'in a way that finch does not know',
    401,
    '401 Unauthorized',
    { 'www-authenticate': 'Negotiate' },
  ],
])('checkLogin() of a registry that asks %s says that nothing was sent', async (...row) => {
  const [, status, reason, headers] = row;
  await using registry = startFakeRegistry({
    script: () => new Response(null, { status, headers }),
  });
  const { host } = registry;
  await expect(check(host)).rejects.toMatchObject({
    code: 'REGISTRY',
    message: `registry ${host} asks for no login, and refuses without one: ${reason}`,
  });
  expect(authorizations(registry)).toEqual([null]);
});

test('checkLogin() names the host that refuses, when the registry leads to another one', async () => {
  await using other = startFakeRegistry({ script: () => new Response(null, { status: 401 }) });
  await using registry = startFakeRegistry({
    script: () => Response.redirect(`${other.origin}/v2/`, 307),
  });
  await expect(check(registry.host)).rejects.toMatchObject({
    code: 'REGISTRY',
    message: `registry ${registry.host} leads to ${other.host}, which refuses the request: 401 Unauthorized`,
    hint: `${other.host} was not shown the login; ask who runs ${registry.host}`,
  });
});

test('checkLogin() does not blame the password when the registry refuses what its token server took', async () => {
  await using registry = startFakeRegistry({
    script: ({ headers }, url) => {
      if (url.pathname === '/token') return Response.json({ token: 'abc' });
      if (headers.get('authorization') !== null) return new Response(null, { status: 403 });
      const challenge = `Bearer realm="${url.origin}/token",service="s"`;
      return new Response(null, { status: 401, headers: { 'www-authenticate': challenge } });
    },
  });
  const { host } = registry;
  await expect(check(host)).rejects.toMatchObject({
    code: 'DENIED',
    message: `registry ${host}: 403 Forbidden`,
    hint: `check that your account may use ${host}, or log in as another with: finch login ${host}`,
  });
});

test('checkLogin() waits half a minute for each answer, and asks only once', async () => {
  const waits: unknown[] = [];
  const transport: Transport = async ({ url, patienceMs }) => {
    waits.push(patienceMs);
    const challenge = { 'www-authenticate': `Bearer realm="${url.origin}/token"` };
    const response = new Response(null, {
      ...(url.pathname === '/token' ? { status: 503 } : { status: 401, headers: challenge }),
    });
    Object.defineProperty(response, 'url', { value: url.href });
    return response;
  };
  const checking = checkLogin('registry.test', { transport, credential });
  await expect(checking).rejects.toThrow('the token server of registry.test answered 503');
  expect(waits).toEqual([30_000, 30_000]);
});
