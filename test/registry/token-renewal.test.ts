import { expect, test } from 'bun:test';
import { memoryContent } from '../../src/content.ts';
import type { Keychain } from '../../src/credentials/keychain.ts';
import { describe } from '../../src/oci/descriptor.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { authorizations, challenged, startBearerRegistry } from '../support/bearer-registry.ts';
import { registryErrorBody, startFakeRegistry } from '../support/fake-registry.ts';
import { openTestRepository } from '../support/open-test-repository.ts';

const me = { kind: 'password' as const, username: 'me', secret: 'pass:word' };

test('many first requests at once cost one challenge and one token', async () => {
  await using server = startBearerRegistry();
  const repository = openTestRepository(server.registry.host);
  await Promise.all(['a', 'b', 'c', 'd', 'e'].map((tag) => repository.resolve(tag)));
  expect(authorizations(server.registry).filter((header) => header === null)).toHaveLength(1);
  expect(server.asked).toHaveLength(1);
});

test('a token that ends soon is replaced before the next request', async () => {
  await using server = startBearerRegistry(() => ({ expires_in: 300 }));
  let now = 1_000_000;
  const retry = { now: () => now };
  const repository = openTestRepository(server.registry.host, { retry });
  await repository.resolve('a');
  now += 239_000;
  await repository.resolve('b');
  now += 2_000;
  await repository.resolve('c');
  expect(authorizations(server.registry)).toEqual([null, 'Bearer t1', 'Bearer t1', 'Bearer t2']);
});

test('a token that says nothing of its life, or less, is kept for half a minute', async () => {
  for (const body of [{}, { expires_in: 1 }, { expires_in: 'x' }]) {
    await using server = startBearerRegistry(() => body);
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
    await using server = startBearerRegistry(() => ({ expires_in }));
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
  await using server = startBearerRegistry();
  const repository = openTestRepository(server.registry.host);
  await repository.resolve('a');
  server.accepted.token = 't2';
  expect(await repository.resolve('b')).toBeUndefined();
  expect(authorizations(server.registry)).toEqual([null, 'Bearer t1', 'Bearer t1', 'Bearer t2']);
});

test('access_token is as good as token', async () => {
  await using server = startBearerRegistry(() => ({
    token: undefined,
    access_token: 'another-token',
  }));
  await openTestRepository(server.registry.host).resolve('a');
  expect(authorizations(server.registry)).toEqual([null, 'Bearer another-token']);
});

test('a token that ends between the start of an upload and its bytes is replaced once', async () => {
  await using server = startBearerRegistry();
  const { registry, accepted } = server;
  const repository = openTestRepository(registry.host);
  await repository.resolve('a');
  const bytes = new TextEncoder().encode('content');
  const descriptor = describe('application/x', digestOf(bytes), bytes);
  const content = memoryContent(bytes);
  const writing = repository.write(descriptor, {
    ...content,
    stream(options) {
      // The registry takes no old token from now on; the one that is asked for next is t2.
      accepted.token = 't2';
      return content.stream(options);
    },
  });
  await writing;
  expect(registry.blobs.has(descriptor.digest)).toBe(true);
  const puts = registry.requests.filter(({ line }) => line.startsWith('PUT'));
  expect(puts.map(({ headers }) => headers.get('authorization'))).toEqual([
    'Bearer t1',
    'Bearer t2',
  ]);
  expect(server.asked).toHaveLength(2);
});

test('an identity token that the token server replaces is used no more', async () => {
  const forms: (string | null)[] = [];
  await using server = startBearerRegistry(async (_, request) => {
    const form = new URLSearchParams(await request.text());
    forms.push(form.get('refresh_token'));
    return { refresh_token: `r${forms.length}` };
  });
  const credential = { kind: 'identity-token', token: 'r0' } as const;
  const repository = openTestRepository(server.registry.host, { credential });
  for (const accepted of ['*', 't2', 't3']) {
    server.accepted.token = accepted;
    await repository.resolve('a');
  }
  expect(forms).toEqual(['r0', 'r1', 'r2']);
});

test('the keychain hears of an identity token that the token server replaces', async () => {
  let given = 0;
  await using server = startBearerRegistry(() => {
    given += 1;
    return { refresh_token: `r${Math.min(given, 2)}` };
  });
  const credential = { kind: 'identity-token', token: 'r0' } as const;
  const heard: string[] = [];
  const keychain: Keychain = {
    credential: async () => credential,
    async replaceToken(registry, token, { replaced }) {
      const old = replaced.kind === 'identity-token' ? replaced.token : '';
      heard.push(`${registry}: ${old} > ${token}`);
    },
  };
  const { host } = server.registry;
  const repository = openTestRepository(host, { keychain });
  for (const accepted of ['*', 't2', 't3']) {
    server.accepted.token = accepted;
    await repository.resolve('a');
  }
  // The third answer brought the same token again.
  expect(heard).toEqual([`${host}: r0 > r1`, `${host}: r1 > r2`]);
});

test('a replaced identity token does not go to another token server', async () => {
  const forms: string[] = [];
  const servers = [0, 1].map((index) =>
    Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      async fetch(request) {
        forms.push(`${index} ${new URLSearchParams(await request.text()).get('refresh_token')}`);
        return Response.json({ token: `t${forms.length}`, refresh_token: `of-${index}` });
      },
    }),
  );
  let at = 0;
  await using registry = startFakeRegistry({
    script: ({ headers }) =>
      headers.get('authorization') === `Bearer t${at + 1}`
        ? undefined
        : challenged(`Bearer realm="http://127.0.0.1:${servers[at]?.port}/token"`),
  });
  const credential = { kind: 'identity-token', token: 'kept' } as const;
  const repository = openTestRepository(registry.host, { credential });
  await repository.resolve('a');
  at = 1;
  await repository.resolve('a');
  expect(forms).toEqual(['0 kept', '1 kept']);
  await Promise.all(servers.map((server) => server.stop(true)));
});

test('scopes that are refused together are asked for alone', async () => {
  await using server = startBearerRegistry((url) =>
    url.searchParams.getAll('scope').length > 1 ? registryErrorBody(403, 'DENIED', 'not both') : {},
  );
  server.challenge.scope = 'repository:other:pull';
  await openTestRepository(server.registry.host, { credential: me }).resolve('a');
  expect(server.asked.map(({ url }) => url.searchParams.getAll('scope'))).toEqual([
    ['repository:app:pull,push', 'repository:other:pull'],
    ['repository:app:pull,push'],
  ]);
});

test('a late refusal of a token for fewer scopes is answered with the one that has taken its place', async () => {
  await using server = startBearerRegistry((url) =>
    url.searchParams.getAll('scope').length > 1 ? registryErrorBody(403, 'DENIED', 'not both') : {},
  );
  const { registry, accepted, asked, challenge } = server;
  challenge.scope = 'repository:other:pull';
  const repository = openTestRepository(registry.host, { credential: me });
  await repository.resolve('a');
  accepted.token = `t${asked.length + 2}`;
  const late = server.hold('/v2/app/manifests/late');
  const waiting = repository.resolve('late');
  await late.arrived;
  await repository.resolve('b');
  late.release();
  await waiting;
  const alone = asked.filter(({ url }) => url.searchParams.getAll('scope').length === 1);
  expect(alone).toHaveLength(2);
});

test('a wrong password is not shown again for fewer scopes', async () => {
  await using server = startBearerRegistry(() => new Response(null, { status: 401 }));
  server.challenge.scope = 'repository:other:pull';
  const resolving = openTestRepository(server.registry.host, { credential: me }).resolve('a');
  await expect(resolving).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(server.asked).toHaveLength(1);
});

test('a waiting request asks for itself when the one that asked is cancelled', async () => {
  const asked = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  await using server = startBearerRegistry(async () => {
    asked.resolve();
    await go.promise;
  });
  const repository = openTestRepository(server.registry.host);
  const controller = new AbortController();
  const first = repository.resolve('a', { signal: controller.signal });
  const second = repository.resolve('b');
  await asked.promise;
  controller.abort();
  await expect(first).rejects.toMatchObject({ code: 'CANCELLED' });
  go.resolve();
  expect(await second).toBeUndefined();
});

test('a late refusal of an old token is answered with the one that has taken its place', async () => {
  await using server = startBearerRegistry();
  const { registry, accepted, asked } = server;
  const repository = openTestRepository(registry.host);
  await repository.resolve('a');
  accepted.token = 't2';
  // The answer to this request with t1 is held back until another has fetched t2.
  const late = server.hold('/v2/app/manifests/late');
  const waiting = repository.resolve('late');
  await late.arrived;
  await repository.resolve('b');
  late.release();
  await waiting;
  expect(asked).toHaveLength(2);
});
