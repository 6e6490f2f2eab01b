import { describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openForReading, readRange } from '../../src/streams/file-stream.ts';
import { TarBlocks } from '../../src/streams/tar-blocks.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { joined, noise } from './byte-streams.ts';

const bytes = noise(600_000);

async function fileWith(folder: string): Promise<string> {
  const path = join(folder, 'file');
  await Bun.write(path, bytes);
  return path;
}

describe('readRange()', () => {
  test('gives the bytes of a range that spans several pieces', async () => {
    await using folder = await temporaryFolder();
    const path = await fileWith(folder.path);
    const read = await joined(readRange(path, { start: 5, end: 599_000 }));
    expect(read.equals(bytes.subarray(5, 599_000))).toBe(true);
  });

  test('gives nothing for an empty range, without opening the file', async () => {
    expect(await joined(readRange('/nowhere', { start: 3, end: 3 }))).toHaveLength(0);
  });

  test('throws when the file ends before the range', async () => {
    await using folder = await temporaryFolder();
    const path = await fileWith(folder.path);
    await expect(joined(readRange(path, { start: 0, end: 600_001 }))).rejects.toMatchObject({
      code: 'IO',
      message: expect.stringContaining('became shorter'),
    });
  });

  test('names a file that is not there', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'absent');
    await expect(joined(readRange(path, { start: 0, end: 1 }))).rejects.toMatchObject({
      code: 'IO',
      message: `no such file: ${JSON.stringify(path)}`,
    });
  });

  test('stops between pieces when its signal fires', async () => {
    await using folder = await temporaryFolder();
    const path = await fileWith(folder.path);
    const controller = new AbortController();
    const stream = readRange(path, { start: 0, end: 600_000, signal: controller.signal });
    await stream.next();
    controller.abort(new Error('enough'));
    await expect(stream.next()).rejects.toThrow('enough');
  });
});

/** A file whose first bytes no disk has: to read them gives EIO. */
const BROKEN = '/proc/self/mem';

describe.skipIf(!existsSync(BROKEN))('a disk that reports an error', () => {
  const error = { code: 'IO', hint: 'check the disk' };

  test('is one to the reader of a file', async () => {
    await expect(joined(readRange(BROKEN, { start: 0, end: 10 }))).rejects.toMatchObject({
      ...error,
      message: `cannot read "${BROKEN}": the disk reported an error`,
    });
  });

  test('is one to the reader of a tar file', async () => {
    await using handle = await openForReading(BROKEN);
    await expect(new TarBlocks(handle, 10_240, 'a.tar').header(0)).rejects.toMatchObject({
      ...error,
      message: 'cannot read a.tar: the disk reported an error',
    });
  });
});
