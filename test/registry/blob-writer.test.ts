import { expect, test } from 'bun:test';
import { memoryContent } from '../../src/content.ts';
import { emptyMemory } from '../../src/registry/memory/registry-memory.ts';
import { layerOf } from '../support/content-store-contract.ts';
import { startFaultyRegistry } from '../support/faulty-registry.ts';
import { openTestRepository } from '../support/open-test-repository.ts';

const { descriptor, bytes } = layerOf(3_000_000);
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
