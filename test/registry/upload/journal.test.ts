import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { memoryContent, type WriteStep } from '../../../src/content.ts';
import { currentOwner } from '../../../src/host/owner.ts';
import { openRegistryMemory } from '../../../src/registry/memory/open-memory.ts';
import { layerOf } from '../../support/content-store-contract.ts';
import { startFaultyRegistry } from '../../support/faulty-registry.ts';
import { openTestRepository } from '../../support/open-test-repository.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const { descriptor, bytes } = layerOf(3_000_000);
const content = memoryContent(bytes);

/** A process that is gone. */
const dead = currentOwner().replace(/^\d+/, String(Bun.spawnSync(['true']).pid));

/** Writes a blob of which a process that is gone has sent `arrived` and left the address that `keep` makes. */
async function writeAfter(arrived: number, keep: (location: URL) => string) {
  await using folder = await temporaryFolder();
  await using registry = await startFaultyRegistry();
  const key = { registry: registry.host, repository: 'app', digest: descriptor.digest };
  const path = join(folder.path, 'registries.db');
  const send = async (url: string, init: RequestInit) => {
    const answer = await fetch(url, init);
    return new URL(answer.headers.get('location') ?? '', registry.origin).href;
  };
  let location = await send(`${registry.origin}/v2/app/blobs/uploads/`, { method: 'POST' });
  if (arrived > 0) {
    location = await send(location, { method: 'PATCH', body: bytes.slice(0, arrived) });
  }
  const before = openRegistryMemory({ path, owner: dead });
  before.keepUpload(key, { location: keep(new URL(location)), offset: 7 });
  before[Symbol.dispose]();

  const earlier = registry.log.length;
  using memory = openRegistryMemory({ path });
  const steps: WriteStep[] = [];
  let sent = 0;
  const repository = openTestRepository(registry.host, { memory });
  await repository.write(descriptor, content, {
    onBytes: (count) => (sent += count),
    onStep: (step) => steps.push(step),
  });
  const methods = registry.log.slice(earlier).map(({ method }) => method);
  expect(await repository.has(descriptor)).toBe(true);
  using after = openRegistryMemory({ path, owner: `1${currentOwner()}` });
  expect(after.claimUpload(key)).toBeUndefined();
  return { methods, steps, sent };
}

const FRESH = ['HEAD', 'POST', 'PUT'];

test('an upload that another process has left goes on where the registry says', async () => {
  const { methods, steps, sent } = await writeAfter(2_000_000, ({ href }) => href);
  expect(methods).toEqual(['HEAD', 'GET', 'GET', 'PUT']);
  expect(steps).toEqual([{ kind: 'resumed', bytes: 2_000_000 }]);
  expect(sent).toBe(1_000_000);
});

test('an upload that is complete but for its end is only closed', async () => {
  const { methods, sent } = await writeAfter(3_000_000, ({ href }) => href);
  expect(methods).toEqual(['HEAD', 'GET', 'GET', 'PUT']);
  expect(sent).toBe(0);
});

test('an upload of which nothing arrived is taken up without a word', async () => {
  const { methods, steps } = await writeAfter(0, ({ href }) => href);
  expect(methods).toEqual(['HEAD', 'GET', 'PUT']);
  expect(steps).toEqual([]);
});

test('an upload that the registry has dropped begins anew', async () => {
  const { methods, steps, sent } = await writeAfter(5, ({ origin }) => {
    return `${origin}/v2/app/blobs/uploads/gone?_state=0`;
  });
  expect(methods).toEqual(['HEAD', 'GET', 'POST', 'PUT']);
  expect(steps).toEqual([]);
  expect(sent).toBe(3_000_000);
});

test.each([
  ['at another host', (url: URL) => url.href.replace('127.0.0.1', 'registry.example')],
  ['at another port', (url: URL) => url.href.replace(url.port, '1')],
  ['in a private network', (url: URL) => `http://169.254.169.254${url.pathname}`],
  ['that is none', () => 'file:///etc/passwd'],
])('an address %s that was written down is not used', async (_, keep) => {
  expect((await writeAfter(5, keep)).methods).toEqual(FRESH);
});

test('two processes never send to one session', async () => {
  await using folder = await temporaryFolder();
  await using registry = await startFaultyRegistry();
  const path = join(folder.path, 'registries.db');
  const repositories = Array.from({ length: 3 }, (_, i) =>
    openTestRepository(registry.host, {
      memory: openRegistryMemory({ path, owner: `${i}${currentOwner()}` }),
    }),
  );
  await Promise.all(repositories.map((one) => one.write(descriptor, content)));
  const sessions = registry.lines('PUT').map((line) => line.split('?')[0]);
  expect(new Set(sessions).size).toBe(3);
});

test('a memory that cannot be written down fails no upload', async () => {
  await using registry = await startFaultyRegistry();
  const memory = openRegistryMemory({ path: '/proc/none/registries.db' });
  const repository = openTestRepository(registry.host, { memory });
  await repository.write(descriptor, content);
  expect(await repository.has(descriptor)).toBe(true);
});

test('an upload that nobody could go on with is cancelled where it is interrupted', async () => {
  const { descriptor, bytes } = layerOf(300_000);
  await using registry = await startFaultyRegistry({ faults: [{ on: 'PUT', does: 'stall' }] });
  const stop = new AbortController();
  const repository = openTestRepository(registry.host);
  const writing = repository.write(descriptor, memoryContent(bytes), { signal: stop.signal });
  while (registry.count('PUT') === 0) await Bun.sleep(1);
  stop.abort();
  await expect(writing).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(registry.count('DELETE')).toBe(1);
});

test('an upload that another process may go on with is not cancelled', async () => {
  await using registry = await startFaultyRegistry({
    faults: [{ on: 'PUT', does: 'reply', with: { status: 403 } }],
  });
  const writing = openTestRepository(registry.host).write(descriptor, content);
  await expect(writing).rejects.toMatchObject({ code: 'DENIED' });
  expect(registry.count('DELETE')).toBe(0);
});

test('an upload that is not to be resumed is cancelled where it stops', async () => {
  await using registry = await startFaultyRegistry({
    faults: [{ on: 'PUT', does: 'reply', with: { status: 403 } }],
  });
  const writing = openTestRepository(registry.host, { resume: false }).write(descriptor, content);
  await expect(writing).rejects.toMatchObject({ code: 'DENIED' });
  expect(registry.count('DELETE')).toBe(1);
});
