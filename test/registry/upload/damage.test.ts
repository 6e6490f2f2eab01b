import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { memoryContent } from '../../../src/content.ts';
import { layerOf } from '../../support/content-store-contract.ts';
import { startFaultyRegistry } from '../../support/faulty-registry.ts';
import { openTestRepository } from '../../support/open-test-repository.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const { descriptor, bytes } = layerOf(3_000_000);

test('a file that is not what it should be is told from a registry that is wrong', async () => {
  await using folder = await temporaryFolder();
  await using registry = await startFaultyRegistry();
  const path = join(folder.path, 'blob');
  await Bun.write(path, bytes.toReversed());
  const stream = ({ start = 0 } = {}) => Bun.file(path).slice(start).stream();
  const damaged = { size: bytes.length, file: { path, offset: 0 }, stream };
  const writing = openTestRepository(registry.host).write(descriptor, damaged);
  await expect(writing).rejects.toMatchObject({
    code: 'CONTENT_DAMAGED',
    message: `the local copy of ${descriptor.digest} is damaged`,
    hint: expect.stringContaining('finch store repair'),
  });
  expect(registry.count('PUT')).toBe(1);
});

test('content that is no file and not what it should be can be asked for at another place', async () => {
  await using registry = await startFaultyRegistry();
  const wrong = memoryContent(bytes.toReversed());
  const writing = openTestRepository(registry.host).write(descriptor, wrong);
  await expect(writing).rejects.toMatchObject({ code: 'CONTENT_MISMATCH' });
  expect(registry.count('PUT')).toBe(1);
});
