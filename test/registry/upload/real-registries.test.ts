import { describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { memoryContent } from '../../../src/content.ts';
import { digestOf } from '../../../src/oci/digest.ts';
import { inPieces, layerOf, readStream } from '../../support/content-store-contract.ts';
import { startDockerRegistry } from '../../support/docker-registry.ts';
import { startFragileLink } from '../../support/fragile-link.ts';
import { startOlareg } from '../../support/olareg.ts';
import { openTestRepository } from '../../support/open-test-repository.ts';
import { registryPrograms } from '../../support/registry-programs.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const MIB = 1024 * 1024;
const { descriptor, bytes } = layerOf(24 * MIB);

/** What the sockets between us and the registry hold. */
const IN_FLIGHT = 6 * MIB;

describe.each([
  {
    name: 'distribution v3',
    isThere: existsSync(registryPrograms.distribution),
    start: () => startDockerRegistry({ program: registryPrograms.distribution }),
    resumes: true,
  },
  {
    name: 'olareg',
    isThere: existsSync(registryPrograms.olareg),
    start: () => startOlareg(),
    resumes: true,
  },
  {
    // It looks at the state of an address before it tells that of the upload.
    name: 'docker-registry 2.8',
    isThere: Bun.which('docker-registry') !== null,
    start: () => startDockerRegistry(),
    resumes: false,
  },
])('an upload to $name', ({ isThere, start, resumes }) => {
  test.skipIf(!isThere).each([
    ['a stream', false],
    ['a file', true],
  ])('of %s goes on where its connection broke, however often', async (_, asFile) => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'blob');
    await Bun.write(path, bytes);
    await using registry = await start();
    await using link = await startFragileLink(registry.host);
    for (const at of [5, 10, 18, 21]) link.breakAfter(at * MIB);
    const repository = openTestRepository(link.host);
    const content = inPieces(bytes, 64 * 1024);
    let position = 0;
    await repository.write(
      descriptor,
      asFile ? { ...content, file: { path, offset: 0 } } : content,
      { onBytes: (count) => (position += count) },
    );
    expect(position).toBe(descriptor.size);
    if (resumes) expect(link.sent()).toBeLessThan(descriptor.size + 4 * IN_FLIGHT);
    const { stream } = await repository.open(descriptor);
    expect(digestOf(await readStream(stream()))).toBe(descriptor.digest);
  });

  test.skipIf(!isThere)('in chunks ends with the last of them, and is whole', async () => {
    await using registry = await start();
    const { emptyMemory } = await import('../../../src/registry/memory/registry-memory.ts');
    const memory = emptyMemory();
    memory.learn(registry.host, { way: 'chunks', chunkBytes: 1_000_000 });
    for (const length of [0, 1, 999_999, 1_000_000, 1_000_001, 3_500_000]) {
      const one = layerOf(length, 3);
      const repository = openTestRepository(registry.host, { memory });
      await repository.write(one.descriptor, memoryContent(one.bytes));
      const { stream } = await repository.open(one.descriptor);
      expect(digestOf(await readStream(stream()))).toBe(one.descriptor.digest);
    }
  });
});
