import { expect, test } from 'bun:test';
import type { HttpRequest } from '../../src/http/transport.ts';
import { sendRequest } from '../../src/http/transport.ts';
import { wasRenewed } from '../../src/registry/auth.ts';
import { type ConnectOptions, connect } from '../../src/registry/connect.ts';
import { authorizations, startBearerRegistry } from '../support/bearer-registry.ts';
import { registryErrorBody, startFakeRegistry } from '../support/fake-registry.ts';

const me = { kind: 'password' as const, username: 'me', secret: 'pass:word' };

/** Sends to a registry as me; `write` sends a body that must not go out twice by itself. */
function connected(host: string, options: Partial<ConnectOptions> = {}) {
  const { endpoint, send } = connect(host, {
    transport: sendRequest,
    credential: async () => me,
    scopes: ['repository:app:pull,push'],
    retry: { sleep: async () => {} },
    ...options,
  });
  const request = (method: HttpRequest['method'], path = '/app/manifests/a'): HttpRequest => ({
    method,
    url: endpoint.api(path),
    ...(method !== 'GET' && { body: () => ({ bytes: new Uint8Array(3) }) }),
  });
  return {
    get: () => send(request('GET')),
    put: () => send(request('PUT')),
    write: () => send({ ...request('PATCH', '/app/blobs/uploads/1'), once: true }),
  };
}

test('a 401 to a body that must not go out twice comes back, and the token is new', async () => {
  await using server = startBearerRegistry();
  const { get, write } = connected(server.registry.host);
  await get();
  server.accepted.token = 't2';
  const refused = await write();
  expect([refused.status, wasRenewed(refused)]).toEqual([401, true]);
  const next = await write();
  expect([next.status, wasRenewed(next)]).toEqual([404, false]);
  expect(authorizations(server.registry)).toEqual([null, 'Bearer t1', 'Bearer t1', 'Bearer t2']);
  expect(server.asked).toHaveLength(2);
});

test('so does the first challenge', async () => {
  await using server = startBearerRegistry();
  const { write } = connected(server.registry.host);
  expect(wasRenewed(await write())).toBe(true);
  expect((await write()).status).toBe(404);
  expect(authorizations(server.registry)).toEqual([null, 'Bearer t1']);
});

test('where there is nothing better to send, nothing was renewed', async () => {
  await using registry = startFakeRegistry({ script: () => new Response(null, { status: 401 }) });
  const { write } = connected(registry.host);
  expect(wasRenewed(await write())).toBe(false);
});

/** A registry that denies writes to all but the `accepted` token. */
async function denying(accepted: string) {
  const server = startBearerRegistry();
  const original = server.challenge;
  const writer = startFakeRegistry({
    script({ method, headers }, url) {
      const token = headers.get('authorization');
      if (token === null) {
        const challenge = `Bearer realm="http://${server.tokens}/token",service="reg"`;
        return new Response(null, { status: 401, headers: { 'www-authenticate': challenge } });
      }
      if (method === 'GET' || token === `Bearer ${accepted}`) return undefined;
      return registryErrorBody(403, 'DENIED', `no ${url.pathname}`);
    },
  });
  return {
    ...{ original, registry: writer, asked: server.asked },
    async [Symbol.asyncDispose]() {
      await writer[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

test('a 403 to a token that is older than the request is answered with a new one, once', async () => {
  await using server = await denying('t2');
  let now = 0;
  const { get, put } = connected(server.registry.host, { retry: { now: () => now } });
  await get();
  now += 1000;
  expect((await put()).status).toBe(201);
  expect(authorizations(server.registry)).toEqual([null, 'Bearer t1', 'Bearer t1', 'Bearer t2']);
});

test('a 403 to a new token is a denial, and is not asked about again and again', async () => {
  await using server = await denying('none');
  let now = 0;
  const { put, write } = connected(server.registry.host, { retry: { now: () => now } });
  expect((await put()).status).toBe(403);
  expect(server.asked).toHaveLength(1);
  for (let i = 0; i < 4; i++) {
    now += 100;
    expect((await put()).status).toBe(403);
  }
  expect(server.asked).toHaveLength(2);
  expect(wasRenewed(await write())).toBe(false);
});

test('a 403 to a body that must not go out twice comes back with a new token in its place', async () => {
  await using server = await denying('t2');
  let now = 0;
  const { get, write } = connected(server.registry.host, { retry: { now: () => now } });
  await get();
  now += 1000;
  const refused = await write();
  expect([refused.status, wasRenewed(refused)]).toEqual([403, true]);
  expect((await write()).status).toBe(404);
});

test('a 403 to who only looks is believed', async () => {
  await using server = startBearerRegistry();
  const { get } = connected(server.registry.host);
  await get();
  server.challenge.denies = true;
  expect((await get()).status).toBe(403);
  expect(server.asked).toHaveLength(1);
});
