import { expect, test } from 'bun:test';
import { sendRequest } from '../../src/http/transport.ts';
import { checkLogin } from '../../src/registry/ping.ts';
import { startFakeRegistry } from '../support/fake-registry.ts';

const credential = { kind: 'password' as const, username: 'me', secret: 'pw' };
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
  expect(registry.lines()).toEqual(['GET /v2/', 'GET /token?service=s', 'GET /v2/']);
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
