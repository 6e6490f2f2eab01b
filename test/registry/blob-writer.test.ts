import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { memoryContent } from '../../src/content.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { openRegistryMemory } from '../../src/registry/memory/open-memory.ts';
import { emptyMemory, type LearnedTraits } from '../../src/registry/memory/registry-memory.ts';
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
  const sourceFor = async (name: string, source?: string) => {
    const repository = openTestRepository(registry.host, { memory, name });
    return (await repository.wouldWrite(descriptor, { source })).from;
  };
  expect(await sourceFor('b')).toBeUndefined();
  expect(await sourceFor('b', 'c')).toBe('c');
  expect(await sourceFor('c', 'c')).toBeUndefined();
  await openTestRepository(registry.host, { memory, name: 'a' }).write(descriptor, content);
  expect(await sourceFor('b')).toBe('a');
  expect(await sourceFor('a')).toBeUndefined();
  memory.learn(registry.host, { noMount: true });
  expect(await sourceFor('b', 'c')).toBeUndefined();
});

describe('the requests that are said to write a blob are those that it takes', () => {
  const MIB = 1024 * 1024;
  const large = layerOf(10 * MIB + 1);
  const cases: readonly (readonly [string, LearnedTraits, { readonly isAsked?: true }])[] = [
    ['where nothing is known', {}, {}],
    ['that was asked for', {}, { isAsked: true }],
    ['where long bodies are refused', { maxBodyBytes: MIB }, {}],
    ['where chunks do better', { way: 'chunks', chunkBytes: 4 * MIB }, { isAsked: true }],
  ];
  for (const [title, traits, { isAsked }] of cases) {
    test(title, async () => {
      await using registry = await startFaultyRegistry();
      const memory = emptyMemory();
      memory.learn(registry.host, traits);
      const repository = openTestRepository(registry.host, { memory });
      if (isAsked) expect(await repository.has(large.descriptor)).toBe(false);
      const { length } = registry.log;
      const { requests } = await repository.wouldWrite(large.descriptor);
      expect(registry.log).toHaveLength(length);
      await repository.write(large.descriptor, memoryContent(large.bytes));
      expect(registry.log.slice(length)).toHaveLength(requests);
    });
  }

  test('also of several tags of a document', async () => {
    await using registry = await startFaultyRegistry();
    const repository = openTestRepository(registry.host);
    await repository.write(descriptor, content);
    const document = { mediaType: mediaTypes.manifest, digest: digestOf(text), size: text.length };
    for (const tags of [['1'], ['1', '2', '3'], []]) {
      const { length } = registry.log;
      const { requests } = await repository.wouldWrite(document, { tags });
      await repository.tag(tags, document, text);
      expect(registry.log.slice(length)).toHaveLength(requests);
    }
  });
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
