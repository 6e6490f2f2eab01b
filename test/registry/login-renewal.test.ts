import { describe, expect, test } from 'bun:test';
import { memoryContent } from '../../src/content.ts';
import type { PasswordLogin } from '../../src/credentials/credential.ts';
import type { Keychain, KeychainOptions } from '../../src/credentials/keychain.ts';
import { serverName } from '../../src/credentials/server-name.ts';
import { FinchError } from '../../src/errors.ts';
import { describe as descriptorOf } from '../../src/oci/descriptor.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { authorizations, challenged, startBearerRegistry } from '../support/bearer-registry.ts';
import { CANARY } from '../support/canary.ts';
import { ECR, ecrPassword, fakeAws } from '../support/fake-aws.ts';
import { registryErrorBody, startFakeRegistry } from '../support/fake-registry.ts';
import { auth, loginPlaces } from '../support/login-places.ts';
import { openTestRepository } from '../support/open-test-repository.ts';

const HOUR = 3_600_000;

/** A keychain whose logins end, and are called `CANARY-1`, `CANARY-2` and so on. */
function makingKeychain({ last = Number.POSITIVE_INFINITY, ends = () => Date.now() + HOUR } = {}) {
  const asked: KeychainOptions[] = [];
  const keychain: Keychain = {
    async credential(_, options = {}) {
      asked.push(options);
      return login(Math.min(asked.length, last), ends());
    },
  };
  return { asked, keychain };
}

function login(number: number, expires: number): PasswordLogin {
  const secret = `${CANARY}-${number}`;
  return { kind: 'password', username: 'AWS', secret, expires: new Date(expires) };
}

function basic(number: number): string {
  return `Basic ${Buffer.from(`AWS:${CANARY}-${number}`).toString('base64')}`;
}

/** A registry that takes one login, and refuses others as a test wants. */
function startPickyRegistry(status: 401 | 403) {
  const state = { good: 1, denies: false };
  const registry = startFakeRegistry({
    script({ headers }) {
      const sent = headers.get('authorization');
      if (sent === null) return challenged('Basic realm="x",service="ecr.amazonaws.com"');
      if (state.denies) return registryErrorBody(403, 'DENIED', 'not yours');
      if (sent === basic(state.good)) return undefined;
      return status === 401
        ? challenged('Basic realm="x"')
        : registryErrorBody(403, 'DENIED', 'Your authorization token has expired.');
    },
  });
  return { registry, state };
}

describe.each([401, 403] as const)('a login that ends, and is refused with %p', (status) => {
  test('is replaced once, and the request is sent again with the other', async () => {
    const { registry, state } = startPickyRegistry(status);
    await using _registry = registry;
    const { asked, keychain } = makingKeychain();
    const repository = openTestRepository(registry.host, { keychain });
    await repository.resolve('a');
    state.good = 2;
    expect(await repository.resolve('b')).toBeUndefined();
    await repository.resolve('c');
    expect(authorizations(registry)).toEqual([null, basic(1), basic(1), basic(2), basic(2)]);
    expect(asked.map(({ afresh, refused, needed }) => ({ afresh, refused, needed }))).toEqual([
      { afresh: undefined, refused: undefined, needed: true },
      { afresh: true, refused: expect.objectContaining({ secret: `${CANARY}-1` }), needed: true },
    ]);
  });

  test('is replaced as often as it worked in between', async () => {
    const { registry, state } = startPickyRegistry(status);
    await using _registry = registry;
    const { asked, keychain } = makingKeychain();
    const repository = openTestRepository(registry.host, { keychain });
    for (const good of [1, 2, 3, 4]) {
      state.good = good;
      await repository.resolve('a');
    }
    expect(asked).toHaveLength(4);
  });

  test('is replaced once by however many requests are refused at the same time', async () => {
    const { registry, state } = startPickyRegistry(status);
    await using _registry = registry;
    const { asked, keychain } = makingKeychain();
    const repository = openTestRepository(registry.host, { keychain });
    await repository.resolve('a');
    state.good = 2;
    await Promise.all(Array.from({ length: 20 }, (_, i) => repository.resolve(`t${i}`)));
    expect(asked).toHaveLength(2);
    const sent = authorizations(registry).slice(2);
    expect(sent.filter((header) => header === basic(1)).length).toBeLessThanOrEqual(20);
    expect(sent.filter((header) => header === basic(2))).toHaveLength(20);
  });

  test('is replaced when it is the first that is sent', async () => {
    const { registry, state } = startPickyRegistry(status);
    await using _registry = registry;
    state.good = 2;
    const { asked, keychain } = makingKeychain();
    await openTestRepository(registry.host, { keychain }).resolve('a');
    expect(authorizations(registry)).toEqual([null, basic(1), basic(2)]);
    expect(asked).toHaveLength(2);
  });

  test('is replaced in the middle of an upload, which begins again from its start', async () => {
    const { registry, state } = startPickyRegistry(status);
    await using _registry = registry;
    const { asked, keychain } = makingKeychain();
    const repository = openTestRepository(registry.host, { keychain });
    await repository.resolve('a');
    const bytes = crypto.getRandomValues(new Uint8Array(65_536));
    const descriptor = descriptorOf('application/octet-stream', digestOf(bytes), bytes);
    expect(await repository.has(descriptor)).toBe(false);
    const content = memoryContent(bytes);
    const ending = {
      ...content,
      stream(options: Parameters<typeof content.stream>[0]) {
        // From when the bytes are wanted, that is after the session was opened.
        state.good = 2;
        return content.stream(options);
      },
    };
    await repository.write(descriptor, ending);
    expect(registry.blobs.get(descriptor.digest)).toEqual(bytes);
    const puts = registry.requests.filter(({ line }) => line.startsWith('PUT'));
    const sent = puts.map(({ headers }) => headers.get('authorization'));
    expect(sent).toEqual([basic(1), basic(2)]);
    expect(asked).toHaveLength(2);
  });

  test('leaves the answer as it is when there is no other', async () => {
    const { registry, state } = startPickyRegistry(status);
    await using _registry = registry;
    const { keychain } = makingKeychain({ last: 1 });
    const repository = openTestRepository(registry.host, { keychain });
    await repository.resolve('a');
    state.good = 2;
    await expect(repository.tags()).rejects.toMatchObject({
      code: status === 401 ? 'UNAUTHENTICATED' : 'DENIED',
    });
    expect(authorizations(registry)).toEqual([null, basic(1), basic(1)]);
  });
});

test('a login is not replaced again where the one in its place is refused too, before it ends', async () => {
  const { registry, state } = startPickyRegistry(403);
  await using _registry = registry;
  let ends = Date.now() + HOUR;
  const { asked, keychain } = makingKeychain({ ends: () => ends });
  const repository = openTestRepository(registry.host, { keychain });
  await repository.resolve('a');
  state.denies = true;
  ends = Date.now() - 1;
  for (let i = 0; i < 2; i += 1) {
    await expect(repository.tags()).rejects.toMatchObject({ code: 'DENIED' });
  }
  // The one in its place had ended when it came, so it was replaced in turn.
  expect(asked).toHaveLength(3);
  ends = Date.now() + HOUR;
  for (let i = 0; i < 5; i += 1) {
    await expect(repository.tags()).rejects.toMatchObject({ code: 'DENIED' });
  }
  expect(asked).toHaveLength(4);
  expect(authorizations(registry)).toHaveLength(2 + 2 * 2 + 2 + 4);
});

test('a login that does not end is sent once', async () => {
  const { registry, state } = startPickyRegistry(403);
  await using _registry = registry;
  state.good = 2;
  const { expires: _, ...credential } = login(1, 0);
  await expect(openTestRepository(registry.host, { credential }).tags()).rejects.toMatchObject({
    code: 'DENIED',
  });
  expect(authorizations(registry)).toEqual([null, basic(1)]);
});

test('what the registry said stands when the keychain fails', async () => {
  const { registry, state } = startPickyRegistry(403);
  await using _registry = registry;
  state.good = 2;
  const { keychain } = makingKeychain();
  const failing: Keychain = {
    async credential(host, options) {
      if (options?.afresh) throw new FinchError('AWS', 'AWS refuses');
      return keychain.credential(host, options);
    },
  };
  await expect(
    openTestRepository(registry.host, { keychain: failing }).tags(),
  ).rejects.toMatchObject({ code: 'DENIED' });
});

test('a login is asked for as one that is not needed where something is only pulled', async () => {
  const { registry } = startPickyRegistry(403);
  await using _registry = registry;
  const { asked, keychain } = makingKeychain();
  await openTestRepository(registry.host, { keychain, access: 'pull' }).resolve('a');
  expect(asked).toMatchObject([{ needed: false }]);
});

describe('with a token server', () => {
  test('a login that it refuses is replaced once', async () => {
    let good = 1;
    await using server = startBearerRegistry((_, request) =>
      request.headers.get('authorization') === basic(good)
        ? {}
        : registryErrorBody(403, 'DENIED', 'Your authorization token has expired.'),
    );
    const { asked, keychain } = makingKeychain();
    const repository = openTestRepository(server.registry.host, { keychain });
    await repository.resolve('a');
    good = 2;
    server.accepted.token = 't3';
    expect(await repository.resolve('b')).toBeUndefined();
    expect(server.asked.map(({ authorization }) => authorization)).toEqual([
      basic(1),
      basic(1),
      basic(2),
    ]);
    good = 4;
    server.accepted.token = 'none';
    await expect(repository.resolve('c')).rejects.toMatchObject({ code: 'DENIED' });
    expect(asked).toHaveLength(3);
  });

  test('a token that the registry refuses with 403 is replaced by one of another login', async () => {
    await using server = startBearerRegistry();
    const { asked, keychain } = makingKeychain();
    const repository = openTestRepository(server.registry.host, { keychain });
    await repository.resolve('a');
    server.challenge.denies = true;
    await expect(repository.tags()).rejects.toMatchObject({ code: 'DENIED' });
    expect(authorizations(server.registry)).toEqual([null, 'Bearer t1', 'Bearer t1', 'Bearer t2']);
    await expect(repository.tags()).rejects.toMatchObject({ code: 'DENIED' });
    expect(server.asked.map(({ authorization }) => authorization)).toEqual([basic(1), basic(2)]);
    expect(asked).toHaveLength(2);
    server.challenge.denies = false;
    expect(await repository.resolve('b')).toBeUndefined();
  });
});

test('a kept password of Amazon ECR that ends on the way gives way to one that is made', async () => {
  const expires = new Date(Date.now() + HOUR);
  const kept = ecrPassword(expires);
  await using places = await loginPlaces();
  const { source, asked } = fakeAws();
  let now = Date.now();
  let good = kept;
  let says = 'Your authorization token has expired.';
  await using registry = startFakeRegistry({
    script({ headers }) {
      const sent = headers.get('authorization');
      if (sent === null) return challenged('Basic realm="x"');
      const wanted = `Basic ${Buffer.from(`AWS:${good}`).toString('base64')}`;
      if (sent === wanted) return undefined;
      return registryErrorBody(403, 'DENIED', says);
    },
  });
  await places.write(places.own, { auths: { [registry.host]: auth('AWS', kept) } });
  const keychain = places.logins({
    now: () => now,
    source: {
      ...source,
      serves: (server) => server.registry === registry.host,
      make: (_, options) => source.make(serverName(ECR), options),
    },
  });
  const retry = { now: () => now };
  const repository = openTestRepository(registry.host, { keychain, retry });
  await repository.resolve('a');
  // While it has not ended, what it may not do is not tried with another.
  good = 'other';
  says = 'not yours';
  await expect(repository.tags()).rejects.toMatchObject({ code: 'DENIED' });
  expect(asked).toEqual([]);
  now = expires.getTime();
  good = `${CANARY}-1`;
  expect(await repository.resolve('b')).toBeUndefined();
  expect(places.reports).toEqual([
    expect.stringContaining('; using AWS credentials (profile dev);'),
  ]);
  expect(asked).toEqual([{ host: ECR, refused: kept }]);
});

test('a kept password that the registry says has ended gives way at once; a policy asks for no other', async () => {
  const kept = ecrPassword(new Date(Date.now() + HOUR));
  await using places = await loginPlaces();
  const { source, asked } = fakeAws();
  let says = `User: x is not authorized to perform: ecr:PutImage`;
  await using registry = startFakeRegistry({
    script({ headers }) {
      const sent = headers.get('authorization');
      if (sent === null) return challenged('Basic realm="x"');
      if (sent === basic(1)) return undefined;
      return registryErrorBody(403, 'DENIED', says);
    },
  });
  await places.write(places.own, { auths: { [registry.host]: auth('AWS', kept) } });
  const keychain = places.logins({
    source: {
      ...source,
      serves: (server) => server.registry === registry.host,
      make: (_, options) => source.make(serverName(ECR), options),
    },
  });
  const repository = openTestRepository(registry.host, { keychain });
  await expect(repository.tags()).rejects.toMatchObject({ code: 'DENIED' });
  expect([asked, authorizations(registry).length]).toEqual([[], 2]);
  says = 'Your authorization token has expired. Reauthenticate and try again.';
  expect(await repository.resolve('a')).toBeUndefined();
  expect(asked).toEqual([{ host: ECR, refused: kept }]);
  expect(places.reports).toEqual([
    expect.stringMatching(/ is refused as ended; using AWS credentials \(profile dev\); remove it/),
  ]);
});
