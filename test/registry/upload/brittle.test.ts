import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { memoryContent } from '../../../src/content.ts';
import { currentOwner } from '../../../src/host/owner.ts';
import { openRegistryMemory } from '../../../src/registry/memory/open-memory.ts';
import { emptyMemory } from '../../../src/registry/memory/registry-memory.ts';
import { layerOf } from '../../support/content-store-contract.ts';
import { startFaultyRegistry } from '../../support/faulty-registry.ts';
import { type Fault, refusal } from '../../support/faulty-registry-faults.ts';
import { openTestRepository } from '../../support/open-test-repository.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const MIB = 1024 * 1024;
const { descriptor, bytes } = layerOf(65 * MIB);
const content = memoryContent(bytes);

/** Writes a large blob, and says by which requests, and what was learned. */
async function write(...faults: readonly Fault[]) {
  await using registry = await startFaultyRegistry({ faults });
  using memory = emptyMemory();
  const repository = openTestRepository(registry.host, { memory });
  let sent = 0;
  await repository.write(descriptor, content, { onBytes: (count) => (sent += count) });
  expect(sent).toBe(65 * MIB);
  expect(await repository.has(descriptor)).toBe(true);
  const methods = registry.log.slice(0, -1).map(({ method }) => method);
  return { methods, brittle: memory.traits(registry.host).brittle };
}

test('a registry that forgives is sent the rest in one request', async () => {
  expect(await write()).toEqual({
    methods: ['HEAD', 'POST', 'PATCH', 'GET', 'PUT'],
    brittle: false,
  });
});

test('a registry that drops an upload when it is asked where it was is sent chunks from then on', async () => {
  const gone = refusal(404, 'BLOB_UPLOAD_INVALID');
  expect(await write({ on: 'GET', nth: 1, does: 'reply', with: gone })).toEqual({
    methods: ['HEAD', 'POST', 'PATCH', 'GET', 'POST', ...Array(4).fill('PATCH'), 'PUT'],
    brittle: true,
  });
});

test('a registry that does not take the first bytes alone gets all at once', async () => {
  const no = refusal(405, 'UNSUPPORTED');
  expect(await write({ on: 'PATCH', does: 'reply', with: no })).toEqual({
    methods: ['HEAD', 'POST', 'PATCH', 'POST', 'PUT'],
    brittle: false,
  });
});

test.each([429, 500, 503])(
  'nothing is learned from a status that is answered with %i',
  async (status) => {
    const trouble = refusal(status, 'UNKNOWN');
    const { methods, brittle } = await write({ on: 'GET', does: 'reply', with: trouble });
    expect(brittle).toBeUndefined();
    expect(methods.at(-1)).toBe('PUT');
  },
);

test.each([403, 413, 416])(
  'nothing is learned from first bytes that are answered with %i',
  async (status) => {
    const no = refusal(status, 'UNKNOWN');
    expect(await write({ on: 'PATCH', does: 'reply', with: no })).toEqual({
      methods: ['HEAD', 'POST', 'PATCH', 'POST', 'PUT'],
      brittle: undefined,
    });
  },
);

test('nothing is learned while the registry is in trouble', async () => {
  expect(await write({ on: 'PATCH', nth: 1, does: 'lose' })).toMatchObject({
    methods: ['HEAD', 'POST', 'PATCH', 'POST', 'PATCH', 'GET', 'PUT'],
  });
});

test('a blob that was complete when its courier ended is not sent again', async () => {
  await using folder = await temporaryFolder();
  await using registry = await startFaultyRegistry();
  const path = join(folder.path, 'registries.db');
  const key = { registry: registry.host, repository: 'app', digest: descriptor.digest };
  const dead = currentOwner().replace(/^\d+/, String(Bun.spawnSync(['true']).pid));
  await using courier = Bun.spawn(['cat'], { stdin: 'pipe', stdout: 'ignore' });
  const fields = (await Bun.file(`/proc/${courier.pid}/stat`).text()).split(' ');
  const living = currentOwner().replace(/^\d+\.\d+/, `${courier.pid}.${fields[21]}`);
  using before = openRegistryMemory({ path, owner: dead });
  const location = `${registry.origin}/v2/app/blobs/uploads/x?_state=y`;
  before.keepUpload(key, { location, offset: 7, courier: living });

  using memory = openRegistryMemory({ path });
  const repository = openTestRepository(registry.host, { memory });
  const writing = repository.write(descriptor, content);
  while (registry.count('HEAD') < 1) await Bun.sleep(1);
  // The courier of the other process ends its work while ours waits for it.
  registry.state.repository('app').blobs.set(descriptor.digest, bytes);
  before.forgetUpload(key);
  courier.stdin.end();
  await writing;
  expect(registry.log.map(({ method }) => method)).toEqual(['HEAD', 'HEAD']);
});
