import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { readRange } from '../../src/streams/file-stream.ts';
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
