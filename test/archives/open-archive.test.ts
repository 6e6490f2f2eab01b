import { describe, expect, test } from 'bun:test';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type ArchiveInput, openArchive } from '../../src/archives/open-archive.ts';
import { inPieces, joined, noise } from '../streams/byte-streams.ts';
import { tarFile } from '../support/tar.ts';
import { temporaryFolder } from '../support/temporary.ts';

const tar = tarFile([{ name: 'file', bytes: 'x'.repeat(5000) }]);

async function spoolOf(folder: string): Promise<readonly string[]> {
  return readdir(join(folder, 'spool')).catch(() => []);
}

function open(input: ArchiveInput, folder: string) {
  return openArchive(input, { spoolFolder: join(folder, 'spool') });
}

describe('openArchive()', () => {
  test('reads a plain tar file where it lies', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'a.tar');
    await Bun.write(path, tar);
    await using archive = await open({ path }, folder.path);
    expect((await archive.tree.get('file'))?.file?.path).toBe(path);
    expect(await spoolOf(folder.path)).toEqual([]);
  });

  test.each([
    ['gzip', Bun.gzipSync(Buffer.from(tar))],
    ['zstd', Bun.zstdCompressSync(tar)],
  ])('unpacks %s to a temporary file, which goes when it is disposed of', async (_, bytes) => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'a.tar');
    await Bun.write(path, bytes);
    {
      await using archive = await open({ path }, folder.path);
      const content = await archive.tree.get('file');
      if (content === undefined) throw new Error('not found');
      expect((await joined(content.stream())).toString()).toBe('x'.repeat(5000));
      expect(await spoolOf(folder.path)).toHaveLength(1);
    }
    expect(await spoolOf(folder.path)).toEqual([]);
  });

  test.skipIf(process.platform === 'win32')(
    'says that a device without bytes is empty',
    async () => {
      await using folder = await temporaryFolder();
      await expect(open({ path: '/dev/null' }, folder.path)).rejects.toMatchObject({
        code: 'ARCHIVE_INVALID',
        message: '"/dev/null" is empty',
      });
      expect(await spoolOf(folder.path)).toEqual([]);
    },
  );

  test('reads a stream, plain or compressed', async () => {
    await using folder = await temporaryFolder();
    for (const bytes of [tar, Bun.gzipSync(Buffer.from(tar))]) {
      await using archive = await open({ stream: inPieces(bytes, 100) }, folder.path);
      expect((await archive.tree.get('file'))?.size).toBe(5000);
    }
    expect(await spoolOf(folder.path)).toEqual([]);
  });

  test.each([
    ['text', Buffer.from('hello\n')],
    ['noise', noise(5000)],
    ['compressed text', Bun.gzipSync(Buffer.from('hello\n'.repeat(1000)))],
  ])('refuses %s, in a file and in a stream', async (_, bytes) => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'x.txt');
    await Bun.write(path, bytes);
    const error = (what: string) => ({
      code: 'ARCHIVE_INVALID',
      message: `${what} is not an image archive`,
      hint: 'finch load reads docker-archive, OCI archive and OCI layout files',
    });
    await expect(open({ path }, folder.path)).rejects.toMatchObject(error(JSON.stringify(path)));
    const stream = inPieces(bytes, 100);
    await expect(open({ stream }, folder.path)).rejects.toMatchObject(error('standard input'));
    expect(await spoolOf(folder.path)).toEqual([]);
  });

  test.each([
    ['gzip', (bytes: Buffer<ArrayBuffer>) => Bun.gzipSync(bytes)],
    ['zstd', (bytes: Buffer<ArrayBuffer>) => Bun.zstdCompressSync(bytes)],
  ])('refuses a %s bomb, in a file and in a stream, and leaves nothing', async (_, compress) => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'bomb.tar');
    const spoolFolder = join(folder.path, 'spool');
    const tar = tarFile([{ name: 'zeros', bytes: new Uint8Array(2_000_000) }]);
    const bomb = compress(Buffer.from(tar));
    await Bun.write(path, bomb);
    for (const input of [{ path }, { stream: inPieces(bomb, 1000) }]) {
      const opened = openArchive(input, { spoolFolder, unpackedBytes: 1_000_000 });
      await expect(opened).rejects.toMatchObject({
        code: 'ARCHIVE_INVALID',
        message: expect.stringContaining('is a decompression bomb'),
        hint: expect.stringContaining('unpack it with gzip -d or zstd -d'),
      });
    }
    expect(await spoolOf(folder.path)).toEqual([]);
    await using archive = await open({ path }, folder.path);
    expect((await archive.tree.get('zeros'))?.size).toBe(2_000_000);
  });

  test('refuses zeros without end before they fill the disk', async () => {
    await using folder = await temporaryFolder();
    let closed = false;
    async function* zeros() {
      try {
        for (;;) yield new Uint8Array(65_536);
      } finally {
        closed = true;
      }
    }
    await expect(open({ stream: zeros() }, folder.path)).rejects.toMatchObject({
      message: 'standard input is not an image archive',
    });
    expect(closed).toBe(true);
    expect(await spoolOf(folder.path)).toEqual([]);
  });

  test('says that there is no such file', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'absent');
    await expect(open({ path }, folder.path)).rejects.toMatchObject({
      code: 'IO',
      message: `no such file: ${JSON.stringify(path)}`,
    });
  });

  test('says that standard input is empty', async () => {
    await using folder = await temporaryFolder();
    const stream = inPieces(new Uint8Array(), 1);
    await expect(open({ stream }, folder.path)).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
      message: 'standard input is empty',
    });
  });

  test('leaves no temporary file when the archive is cut off', async () => {
    await using folder = await temporaryFolder();
    const long = tarFile([{ name: 'file', bytes: noise(100_000) }]);
    for (const bytes of [
      long.subarray(0, 50_000),
      Bun.gzipSync(Buffer.from(long)).subarray(0, -9),
    ]) {
      const stream = inPieces(bytes, 1000);
      await expect(open({ stream }, folder.path)).rejects.toMatchObject({
        code: 'ARCHIVE_INVALID',
        message: expect.stringContaining('standard input is damaged'),
      });
    }
    expect(await spoolOf(folder.path)).toEqual([]);
  });

  test('leaves no temporary file when it is interrupted', async () => {
    await using folder = await temporaryFolder();
    const controller = new AbortController();
    async function* slow() {
      yield tar;
      controller.abort(new Error('interrupted'));
      yield tar;
    }
    const { signal } = controller;
    const spoolFolder = join(folder.path, 'spool');
    const opening = openArchive({ stream: slow() }, { spoolFolder, signal });
    await expect(opening).rejects.toThrow('interrupted');
    expect(await spoolOf(folder.path)).toEqual([]);
  });
});
