import { expect, test } from 'bun:test';
import { memoryContent } from '../../src/content.ts';
import { emptyMemory } from '../../src/registry/memory/registry-memory.ts';
import { layerOf } from '../support/content-store-contract.ts';
import { startFaultyRegistry } from '../support/faulty-registry.ts';
import { openTestRepository, recordingTransport } from '../support/open-test-repository.ts';

test('the request that closes an upload gives the registry time for the whole blob, others for their part', async () => {
  await using registry = await startFaultyRegistry();
  const { sent, transport } = recordingTransport();
  const memory = emptyMemory();
  memory.learn(registry.host, { way: 'chunks', chunkBytes: 1_000_000 });
  const { descriptor, bytes } = layerOf(2_500_000);
  const repository = openTestRepository(registry.host, { transport, memory });
  await repository.write(descriptor, memoryContent(bytes));
  const bodies = sent.filter(({ method }) => method === 'PATCH' || method === 'PUT');
  expect(bodies.map(({ method, workBytes }) => [method, workBytes])).toEqual([
    ['PATCH', undefined],
    ['PATCH', undefined],
    ['PUT', 2_500_000],
  ]);
});
