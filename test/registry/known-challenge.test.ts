import { expect, test } from 'bun:test';
import { join } from 'node:path';
import fc from 'fast-check';
import { hideSecret, redactText } from '../../src/http/redact.ts';
import { type HttpRequest, sendRequest } from '../../src/http/transport.ts';
import { wasRenewed, withAuth } from '../../src/registry/auth.ts';
import { Endpoint } from '../../src/registry/endpoint.ts';
import { KnownChallenge } from '../../src/registry/known-challenge.ts';
import { openRegistryMemory } from '../../src/registry/memory/open-memory.ts';
import { emptyMemory } from '../../src/registry/memory/registry-memory.ts';
import { defaultSite } from '../../src/registry/site.ts';
import { authorizations, challenged, startBearerRegistry } from '../support/bearer-registry.ts';
import { CANARY } from '../support/canary.ts';
import { startFakeRegistry } from '../support/fake-registry.ts';
import { openTestRepository, recordingTransport } from '../support/open-test-repository.ts';
import { temporaryFolder } from '../support/temporary.ts';

const credential = { kind: 'password' as const, username: 'me', secret: CANARY };
const basic = `Basic ${Buffer.from(`me:${CANARY}`).toString('base64')}`;

test('the next process asks the token server at once, and is never challenged', async () => {
  await using folder = await temporaryFolder();
  await using server = startBearerRegistry(undefined, { givesTokens: true });
  const path = join(folder.path, 'registries.db');
  for (const name of ['app', 'other']) {
    using memory = openRegistryMemory({ path });
    const repository = openTestRepository(server.registry.host, { credential, memory, name });
    await Promise.all([repository.resolve('a'), repository.resolve('b')]);
  }
  expect(authorizations(server.registry).map((one) => one?.slice(0, 8) ?? null)).toEqual([
    null,
    ...Array<string>(4).fill('Bearer t'),
  ]);
  expect(server.asked.map(({ url }) => url.searchParams.getAll('scope'))).toEqual([
    ['repository:app:pull,push'],
    ['repository:other:pull,push'],
  ]);
  expect(await Bun.file(path).text()).not.toContain('Bearer t');
});

test('what is known lets all first requests go at once, for one token', async () => {
  await using server = startBearerRegistry(undefined, { givesTokens: true });
  const { host } = server.registry;
  const memory = emptyMemory();
  await openTestRepository(host, { credential, memory }).resolve('a');
  // Where it is not settled whether to speak TLS, the first request finds that out alone.
  const site = { ...defaultSite(host), protocol: 'http:' } as const;
  const repository = openTestRepository(host, { credential, memory, site });
  const held = server.hold('/v2/app/manifests/slow');
  const slow = repository.resolve('slow');
  await held.arrived;
  await repository.resolve('fast');
  held.release();
  await slow;
  expect(server.asked).toHaveLength(2);
});

test('the next process sends Basic at once', async () => {
  await using registry = startFakeRegistry({
    script: ({ headers }) =>
      headers.get('authorization') === basic ? undefined : challenged('Basic realm="a"'),
  });
  const memory = emptyMemory();
  for (let run = 0; run < 2; run++) {
    await openTestRepository(registry.host, { credential, memory }).resolve('a');
  }
  expect(authorizations(registry)).toEqual([null, basic, basic]);
});

test('nobody who is not logged in sends Basic, and the challenge counts', async () => {
  await using registry = startFakeRegistry({ script: () => challenged('Basic realm="a"') });
  const memory = emptyMemory();
  memory.learn(registry.host, { challenge: 'basic' });
  const asking = openTestRepository(registry.host, { memory }).tags();
  await expect(asking).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(authorizations(registry)).toEqual([null]);
});

test('a password that is no longer good keeps nobody from what is public', async () => {
  await using registry = startFakeRegistry({
    script: ({ headers }) =>
      headers.has('authorization') ? challenged('Basic realm="a"') : undefined,
  });
  const memory = emptyMemory();
  memory.learn(registry.host, { challenge: 'basic' });
  const repository = openTestRepository(registry.host, { credential, memory });
  await repository.resolve('a');
  await repository.resolve('b');
  expect(authorizations(registry)).toEqual([basic, null, null]);
  expect(memory.traits(registry.host).challenge).toBe('');
});

test('a password that is no longer good is shown once, where nothing is public', async () => {
  await using registry = startFakeRegistry({ script: () => challenged('Basic realm="a"') });
  const memory = emptyMemory();
  memory.learn(registry.host, { challenge: 'basic' });
  const asking = openTestRepository(registry.host, { credential, memory }).tags();
  await expect(asking).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(authorizations(registry)).toEqual([basic, null]);
  expect(memory.traits(registry.host).challenge).toBe('basic');
});

test('a password from memory that was taken is not left out later', async () => {
  let isGood = true;
  await using registry = startFakeRegistry({
    script: ({ headers }) =>
      isGood && headers.get('authorization') === basic ? undefined : challenged('Basic realm="a"'),
  });
  const memory = emptyMemory();
  memory.learn(registry.host, { challenge: 'basic' });
  const repository = openTestRepository(registry.host, { credential, memory });
  await repository.resolve('a');
  isGood = false;
  await expect(repository.resolve('b')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(authorizations(registry)).not.toContain(null);
});

test('a body that goes out once is not sent without the login, but noted', async () => {
  await using registry = startFakeRegistry({ script: () => challenged('Basic realm="a"') });
  const memory = emptyMemory();
  memory.learn(registry.host, { challenge: 'basic' });
  const endpoint = new Endpoint(registry.host, { insecure: true });
  const send = withAuth(sendRequest, {
    ...{ registry: registry.host, endpoint, memory, credential: async () => credential },
  });
  const body = () => ({ bytes: Buffer.from('x') });
  const url = new URL(`http://${registry.host}/v2/app/blobs/uploads/1`);
  const response = await send({ method: 'PATCH', url, once: true, body });
  expect(wasRenewed(response)).toBe(true);
  expect(authorizations(registry)).toEqual([basic]);
});

test('a fresh challenge takes the place of the one that was known', async () => {
  await using server = startBearerRegistry(undefined, { givesTokens: true });
  const { registry, challenge } = server;
  const memory = emptyMemory();
  await openTestRepository(registry.host, { credential, memory }).resolve('a');
  challenge.instead = 'Basic realm="x"';
  await openTestRepository(registry.host, { credential, memory }).resolve('b');
  await openTestRepository(registry.host, { credential, memory }).resolve('c');
  expect(authorizations(registry)).toEqual([null, 'Bearer t1', 'Bearer t2', basic, basic]);
});

test('a token server that is gone is forgotten, where the registry wants no login any more', async () => {
  await using registry = startFakeRegistry();
  const memory = emptyMemory();
  const challenge = 'bearer realm="https://127.0.0.1:1/token"';
  memory.learn(registry.host, { challenge });
  await openTestRepository(registry.host, { credential, memory }).resolve('a');
  expect(authorizations(registry)).toEqual([null]);
  expect(memory.traits(registry.host).challenge).toBe('');
});

test('a token server that is gone is replaced by the one that the registry names now', async () => {
  await using server = startBearerRegistry(undefined, { givesTokens: true });
  const { host } = server.registry;
  const memory = emptyMemory();
  memory.learn(host, { challenge: 'bearer realm="https://127.0.0.1:1/token",service="reg"' });
  await openTestRepository(host, { credential, memory }).resolve('a');
  expect(authorizations(server.registry)).toEqual([null, 'Bearer t1']);
  expect(memory.traits(host).challenge).toContain(server.tokens);
});

test('a token server at a port where anybody may listen gets no login before the registry names it', async () => {
  await using server = startBearerRegistry();
  await using registry = startFakeRegistry();
  const memory = emptyMemory();
  memory.learn(registry.host, { challenge: `bearer realm="http://${server.tokens}/token"` });
  await openTestRepository(registry.host, { credential, memory }).resolve('a');
  expect([authorizations(registry), server.asked]).toEqual([[null], []]);
});

test('a password that the token server refuses is shown to it once, and the refusal is told', async () => {
  await using server = startBearerRegistry(() => new Response(null, { status: 401 }), {
    givesTokens: true,
  });
  const { host } = server.registry;
  const memory = emptyMemory();
  const realm = `http://${server.tokens}/token?own=1`;
  memory.learn(host, { challenge: `bearer realm="${realm}",service="reg"` });
  const asking = openTestRepository(host, { credential, memory }).tags();
  await expect(asking).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(server.asked).toHaveLength(1);
});

test.each(['https://evil.example.org/token', 'http://169.254.169.254/', 'http://10.0.0.1/t', 'x'])(
  'a realm that was written into the memory is judged as a fresh one: %s',
  async (realm) => {
    await using registry = startFakeRegistry();
    const memory = emptyMemory();
    memory.learn(registry.host, { challenge: `bearer realm="${realm}"` });
    const { sent, transport } = recordingTransport();
    await openTestRepository(registry.host, { credential, memory, transport }).resolve('a');
    expect([...new Set(sent.map(({ url }) => url.host))]).toEqual([registry.host]);
    expect(authorizations(registry)).toEqual([null]);
  },
);

test('who interrupts the look for a token leaves what is known as it is', async () => {
  await using registry = startFakeRegistry();
  const memory = emptyMemory();
  const challenge = `bearer realm="http://${registry.host}/token"`;
  memory.learn(registry.host, { challenge });
  const controller = new AbortController();
  const { transport: real } = recordingTransport();
  const transport = (request: HttpRequest) => {
    if (request.url.pathname === '/token') controller.abort();
    return real(request);
  };
  const { signal } = controller;
  const asking = openTestRepository(registry.host, { memory, transport }).resolve('a', { signal });
  await expect(asking).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(memory.traits(registry.host)).toEqual({ challenge });
});

test('what came without TLS, or without a look at the certificate, is neither believed nor remembered', () => {
  const host = 'reg.example.com';
  const plain = { ...defaultSite(host), protocol: 'http:' } as const;
  const unchecked = { ...defaultSite(host), skipVerify: true };
  const endpoints: readonly (readonly [Endpoint, boolean])[] = [
    [new Endpoint(host), true],
    [new Endpoint('localhost:5000'), true],
    [new Endpoint(host, { insecure: true }), false],
    [new Endpoint(host, { site: plain }), false],
    [new Endpoint(host, { site: unchecked }), false],
  ];
  for (const [endpoint, isSafe] of endpoints) {
    const memory = emptyMemory();
    new KnownChallenge(endpoint, memory).set({ scheme: 'basic', params: { realm: 'x' } });
    expect(memory.traits(endpoint.host)).toEqual(isSafe ? { challenge: 'basic' } : {});
    memory.learn(endpoint.host, { challenge: 'basic' });
    expect(new KnownChallenge(endpoint, memory).get() !== undefined).toBe(isSafe);
  }
});

test('a challenge that repeats a login is not remembered', () => {
  hideSecret(CANARY);
  const memory = emptyMemory();
  const known = new KnownChallenge(new Endpoint('reg.example.com'), memory);
  const realm = `https://reg.example.com/token?echo=${encodeURIComponent(CANARY)}`;
  known.set({ scheme: 'bearer', params: { realm } });
  expect(memory.traits('reg.example.com')).toEqual({});
});

test('a challenge is remembered without its scope, whatever its values are', () => {
  fc.assert(
    fc.property(fc.string(), fc.option(fc.string(), { nil: undefined }), (realm, service) => {
      // What other tests of this process have called secret is not remembered.
      const text = `${realm} ${service}`;
      fc.pre(redactText(text) === text);
      const known = new KnownChallenge(new Endpoint('reg.example.com'), emptyMemory());
      const params = { realm, ...(service !== undefined && { service }) };
      known.set({ scheme: 'bearer', params: { ...params, scope: 'repository:app:pull' } });
      expect(known.get()).toEqual({ scheme: 'bearer', params });
    }),
  );
});
