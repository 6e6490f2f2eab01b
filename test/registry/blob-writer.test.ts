import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { memoryContent } from '../../src/content.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { openRegistryMemory } from '../../src/registry/memory/open-memory.ts';
import { emptyMemory } from '../../src/registry/memory/registry-memory.ts';
import { layerOf } from '../support/content-store-contract.ts';
import { startFaultyRegistry } from '../support/faulty-registry.ts';
import { openTestRepository } from '../support/open-test-repository.ts';
import { temporaryFolder } from '../support/temporary.ts';

const { descriptor, bytes } = layerOf(3_000_000);
const text = new TextEncoder().encode(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: descriptor,
    layers: [],
  }),
);
const content = memoryContent(bytes);

test('one blob that is written twice at once is sent once', async () => {
  await using registry = await startFaultyRegistry();
  const repository = openTestRepository(registry.host);
  await Promise.all([1, 2, 3].map(() => repository.write(descriptor, content)));
  await repository.write(descriptor, content);
  expect(registry.log.map(({ method }) => method)).toEqual(['HEAD', 'POST', 'PUT']);
});

test('a short blob that nobody has asked for is sent without a question', async () => {
  await using registry = await startFaultyRegistry();
  const short = layerOf(65_536);
  await openTestRepository(registry.host).write(short.descriptor, memoryContent(short.bytes));
  expect(registry.log.map(({ method }) => method)).toEqual(['POST', 'PUT']);
});

test('what a repository would be given by another is known without asking', async () => {
  await using registry = await startFaultyRegistry();
  const memory = emptyMemory();
  const repository = (name: string) => openTestRepository(registry.host, { memory, name });
  expect(repository('b').wouldMount(descriptor)).toBeUndefined();
  await repository('a').write(descriptor, content);
  expect(repository('b').wouldMount(descriptor)).toBe('a');
  expect(repository('a').wouldMount(descriptor)).toBeUndefined();
  memory.learn(registry.host, { noMount: true });
  expect(repository('b').wouldMount(descriptor)).toBeUndefined();
});

test('a document that was stored, or named by a tag, counts as seen there by the next process too', async () => {
  await using registry = await startFaultyRegistry();
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'registries.db');
  const next = (name: string) => {
    const memory = openRegistryMemory({ path });
    const repository = openTestRepository(registry.host, { memory, name });
    return { repository, [Symbol.dispose]: () => memory[Symbol.dispose]() };
  };
  const document = { mediaType: mediaTypes.manifest, digest: digestOf(text), size: text.length };
  {
    using first = next('a');
    expect(first.repository.wasHere(document.digest)).toBe(false);
    await first.repository.write(descriptor, content);
    await first.repository.tag(['1'], document, text);
    expect(first.repository.wasHere(document.digest)).toBe(true);
  }
  using second = next('a');
  expect(second.repository.wasHere(document.digest)).toBe(true);
  using elsewhere = next('b');
  expect(elsewhere.repository.wasHere(document.digest)).toBe(false);
  const forgetful = openTestRepository(registry.host, { name: 'a' });
  await forgetful.resolve('1');
  expect(forgetful.wasHere(document.digest)).toBe(true);
});
