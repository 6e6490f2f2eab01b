import { expect, test } from 'bun:test';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { parseTarHeader } from '../../src/streams/tar-header.ts';
import { scanTar } from '../../src/streams/tar-reader.ts';
import { type TarEntry, tarStream } from '../../src/streams/tar-writer.ts';
import { temporaryFolder } from '../support/temporary.ts';

function file(name: string, bytes: Uint8Array): TarEntry {
  return {
    name,
    size: bytes.length,
    async *stream() {
      yield bytes;
    },
  };
}

function folder(name: string): TarEntry {
  return { name, size: 0, async *stream() {} };
}

async function tarOf(entries: readonly TarEntry[]): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(tarStream(entries), (piece) => piece.slice()));
}

test('what is written can be read again, names longer than a header too', async () => {
  await using place = await temporaryFolder();
  const path = join(place.path, 'some.tar');
  const part = fc.stringMatching(/^[a-zé]{1,30}$/);
  const name = fc.array(part, { minLength: 1, maxLength: 9 }).map((parts) => parts.join('/'));
  const entry = fc.tuple(name, fc.uint8Array({ maxLength: 1500 }));
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 5 }), async (entries) => {
      const tar = await tarOf(entries.map(([one, bytes]) => file(one, bytes)));
      await writeFile(path, tar);
      const members = await scanTar(path, { what: 'it' });
      const read = members.map(({ name, type, offset, size }) => ({
        ...{ name, type },
        bytes: new Uint8Array(tar.subarray(offset, offset + size)),
      }));
      expect(read).toEqual(entries.map(([one, bytes]) => ({ name: one, type: 'file', bytes })));
      expect(tar.length % 512).toBe(0);
    }),
    { numRuns: 60 },
  );
});

test('folders are folders', async () => {
  const header = parseTarHeader(await tarOf([folder('blobs/')]));
  expect(header).toMatchObject({ name: 'blobs/', flag: '5', size: 0 });
});

test('the same entries give the same bytes', async () => {
  const entries = [folder('a/'), file('a/b', new Uint8Array(700))];
  expect(await tarOf(entries)).toEqual(await tarOf(entries));
});

test.each([
  [8 * 1024 ** 3 - 1, '0'],
  [8 * 1024 ** 3, 'x'],
  [12 * 1024 ** 4, 'x'],
])('a file of %i bytes says so in its headers, the first of which is %p', async (size, flag) => {
  const large: TarEntry = { name: 'large', size, async *stream() {} };
  const [headers] = await Array.fromAsync(tarStream([large]), (piece) => Buffer.from(piece));
  expect(parseTarHeader(headers ?? Buffer.alloc(0))?.flag).toBe(flag);
  if (flag === '0') expect(parseTarHeader(headers ?? Buffer.alloc(0))?.size).toBe(size);
  else
    expect(headers?.subarray(512).toString()).toStartWith(`${`${size}`.length + 9} size=${size}\n`);
});

test('what a file throws is thrown, and nothing is written behind it', async () => {
  const broken: TarEntry = {
    name: 'broken',
    size: 3,
    // biome-ignore lint/correctness/useYield: it fails before its first piece
    async *stream() {
      throw new Error('no');
    },
  };
  expect(tarOf([broken, folder('a/')])).rejects.toThrow('no');
});
