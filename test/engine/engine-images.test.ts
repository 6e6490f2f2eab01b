import { expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Engine } from '../../src/engine/engine.ts';
import { listEngineImages } from '../../src/engine/engine-images.ts';
import { toDigest } from '../../src/oci/digest.ts';

const DIGEST = toDigest('sha256', 'a1'.repeat(32));

const LINE = {
  CreatedAt: '2026-11-22 18:13:07 +0000 UTC',
  CreatedSince: '2 minutes ago',
  Digest: DIGEST,
  ID: DIGEST,
  Repository: 'bb',
  Tag: '1',
  Name: 'docker.io/library/bb:1',
  Size: '1.999MB',
  BlobSize: '1.5 GiB',
  Platform: 'linux/amd64',
};

/** What is made of lines that nerdctl might write. */
function rowsOf(lines: readonly string[], status = 0) {
  const engine: Pick<Engine, 'capture'> = {
    capture: async () => ({
      status,
      stdout: new TextEncoder().encode(lines.join('\n')),
      stderr: new TextEncoder().encode(status === 0 ? '' : lines.join('\n')),
      fault: undefined,
    }),
  };
  return listEngineImages(engine as Engine, {});
}

test('a line of nerdctl is a row', async () => {
  expect(await rowsOf([JSON.stringify(LINE), ''])).toEqual([
    {
      name: 'docker.io/library/bb:1',
      repository: 'bb',
      tag: '1',
      digest: DIGEST,
      createdAt: new Date('2026-11-22T18:13:07Z'),
      platform: 'linux/amd64',
      size: 1_999_000,
      blobSize: 1.5 * 1024 ** 3,
    },
  ]);
});

test.each([
  { Name: '<none>' },
  { Name: '' },
  { Name: 'bb:1' },
  { Name: 'docker.io/library/BB:1' },
  { Name: 'docker.io/library/bb:1\u001b[31m' },
  { Name: 'docker.io/library/bb:1-tmp-reduced-platform' },
  { Digest: 'sha256:short' },
  { Digest: 7 },
])('a line with %p is left out', async (change) => {
  expect(await rowsOf([JSON.stringify({ ...LINE, ...change })])).toEqual([]);
});

test('what it says of platform, size and time counts only where it can be read', async () => {
  const strange = { Platform: 'a\u001bb', Size: 'much', BlobSize: '-1B', CreatedAt: 'once' };
  expect(await rowsOf([JSON.stringify({ ...LINE, ...strange })])).toMatchObject([
    { platform: '', size: 0, blobSize: 0, createdAt: new Date(0) },
  ]);
});

test('images are listed newest first, their platforms in order', async () => {
  const older = {
    ...LINE,
    Name: 'docker.io/library/older:1',
    CreatedAt: '2025-01-01 00:00:00 +0100 CET',
  };
  const arm = { ...LINE, Platform: 'linux/arm64' };
  const rows = await rowsOf([older, arm, LINE].map((line) => JSON.stringify(line)));
  expect(rows.map(({ name, platform }) => `${name} ${platform}`)).toEqual([
    'docker.io/library/bb:1 linux/amd64',
    'docker.io/library/bb:1 linux/arm64',
    'docker.io/library/older:1 linux/amd64',
  ]);
});

test('whatever it writes is no crash', async () => {
  const value = fc.dictionary(fc.constantFrom(...Object.keys(LINE)), fc.jsonValue());
  const line = fc.oneof(
    fc.string(),
    value.map((one) => JSON.stringify({ ...LINE, ...one })),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(line), async (lines) => {
      for (const { name, digest } of await rowsOf(lines)) {
        expect(name).toMatch(/^[\x21-\x7e]+$/);
        expect(digest).toMatch(/^sha(256|512):[0-9a-f]+$/);
      }
    }),
  );
});

test('when it fails, its last word is in the error, safe to show', async () => {
  const log = 'time="2026-11-22T18:38:57Z" level=fatal msg="cannot \\"reach\\" it\\u001b[31m"';
  expect(rowsOf(['warning', log], 1)).rejects.toMatchObject({
    code: 'VM',
    message: 'nerdctl image failed: cannot "reach" it [31m',
  });
});
