import { describe, expect, test } from 'bun:test';
import { decompress, sniffCompression } from '../../src/streams/decompress.ts';
import { Expansion } from '../../src/streams/expansion.ts';
import { inPieces, joined, noise } from './byte-streams.ts';

const bytes = new Uint8Array([...noise(700_000), ...new Uint8Array(700_000)]);
const gzip = Bun.gzipSync(bytes);
const zstd = Bun.zstdCompressSync(bytes);

function plain(compressed: Uint8Array, pieceLength = 10_007) {
  return decompress(inPieces(compressed, pieceLength), { what: 'layer 1' });
}

describe('decompress()', () => {
  test.each([
    ['gzip', gzip],
    ['zstd', zstd],
    ['plain', bytes],
  ])('gives the bytes of %s data', async (_, compressed) => {
    expect((await joined(plain(compressed))).equals(bytes)).toBe(true);
  });

  test('reads data that comes byte by byte', async () => {
    expect((await joined(plain(Bun.gzipSync(noise(3000)), 1))).equals(noise(3000))).toBe(true);
  });

  test.each([
    ['gzip members', gzip],
    ['zstd frames', zstd],
  ])('joins several %s', async (_, compressed) => {
    const read = await joined(plain(Buffer.concat([compressed, compressed])));
    expect(read.equals(Buffer.concat([bytes, bytes]))).toBe(true);
  });

  test('reads zstd data that begins with a frame to skip', async () => {
    const skipped = Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4);
    const read = await joined(plain(Buffer.concat([skipped, zstd, skipped])));
    expect(read.equals(bytes)).toBe(true);
  });

  test.each([
    ['gzip', Bun.gzipSync(new Uint8Array(2_000_000))],
    ['zstd', Bun.zstdCompressSync(new Uint8Array(2_000_000))],
  ])('stops a %s bomb that passes both limits, and nothing that passes one', async (_, bomb) => {
    const stream = (limits: { bytes: number; ratio: number }) =>
      decompress(inPieces(bomb, 100_000), {
        what: 'layer 1',
        expansion: new Expansion(limits),
      });
    await expect(joined(stream({ bytes: 1_000_000, ratio: 200 }))).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
      message: expect.stringContaining('layer 1 is a decompression bomb'),
      hint: expect.stringContaining('trust'),
    });
    for (const expansion of [
      { bytes: 2_000_000, ratio: 200 },
      { bytes: 1_000_000, ratio: 100_000 },
    ]) {
      expect(await joined(stream(expansion))).toHaveLength(2_000_000);
    }
  });

  test('counts streams that belong together as one', async () => {
    const bomb = Bun.gzipSync(new Uint8Array(400_000));
    const expansion = new Expansion({ bytes: 1_000_000, ratio: 200, hint: 'look away' });
    const stream = () => decompress(inPieces(bomb, 100_000), { what: 'layer 3', expansion });
    for (const _ of [1, 2]) expect(await joined(stream())).toHaveLength(400_000);
    await expect(joined(stream())).rejects.toMatchObject({
      message: expect.stringContaining('layer 3'),
      hint: 'look away',
    });
  });

  test('ignores zeros behind gzip data, as tape blocks leave them', async () => {
    const padded = Buffer.concat([gzip, new Uint8Array(1024)]);
    expect((await joined(plain(padded))).equals(bytes)).toBe(true);
  });

  test('gives nothing for nothing', async () => {
    expect(await joined(plain(new Uint8Array()))).toHaveLength(0);
  });

  test.each([
    ['gzip data that is cut off', gzip.subarray(0, -9)],
    ['gzip data with a wrong checksum', gzip.with(gzip.length - 6, (gzip.at(-6) ?? 0) ^ 1)],
    ['gzip data with other data behind it', Buffer.concat([gzip, Buffer.from('garbage')])],
    ['zstd data that is cut off', zstd.subarray(0, -1)],
    ['zstd data that is cut off in its second frame', Buffer.concat([zstd, zstd.subarray(0, 9)])],
    ['zstd data with other data behind it', Buffer.concat([zstd, Buffer.from('garbage')])],
    ['zstd data that is no zstd', Buffer.concat([zstd.subarray(0, 4), noise(1000)])],
  ])('throws ARCHIVE_INVALID for %s', async (_, compressed) => {
    await expect(joined(plain(compressed))).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
      message: expect.stringContaining('layer 1 is damaged'),
    });
  });

  test('refuses a zstd frame that asks for a window of 2 GiB', async () => {
    // Magic, no flags, window 2^31, one last raw block of one byte.
    const frame = Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0, 21 << 3, 9, 0, 0, 65]);
    const modest = frame.with(5, 17 << 3);
    expect((await joined(plain(modest))).toString()).toBe('A');
    await expect(joined(plain(frame))).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
  });

  test('throws with the code that it is given', async () => {
    const damaged = inPieces(gzip.subarray(0, 1000), 100);
    const stream = decompress(damaged, { what: 'layer 1', code: 'CONTENT_MISMATCH' });
    await expect(joined(stream)).rejects.toMatchObject({ code: 'CONTENT_MISMATCH' });
  });

  test.each([
    ['gzip', gzip],
    ['zstd', zstd],
    ['plain', bytes],
  ])('passes on what the source of %s data throws', async (_, compressed) => {
    async function* failing() {
      yield compressed.subarray(0, 5000);
      throw new Error('connection lost');
    }
    await expect(joined(decompress(failing(), { what: 'layer 1' }))).rejects.toThrow(
      'connection lost',
    );
  });

  test.each([
    ['gzip', gzip],
    ['zstd', zstd],
    ['plain', bytes],
  ])('closes the source of %s data when its reader stops', async (_, compressed) => {
    let closed = false;
    async function* source() {
      try {
        for (;;) yield compressed;
      } finally {
        closed = true;
      }
    }
    for await (const piece of decompress(source(), { what: 'layer 1' })) {
      expect(piece.length).toBeGreaterThan(0);
      break;
    }
    expect(closed).toBe(true);
  });

  test('asks for no more input than its reader takes output', async () => {
    let given = 0;
    const zeros = Bun.gzipSync(new Uint8Array(8 * 1024 * 1024));
    async function* source() {
      for (let i = 0; i < 64; i++) {
        given++;
        yield zeros;
      }
    }
    const stream = decompress(source(), { what: 'layer 1' });
    await stream.next();
    expect(given).toBe(1);
    await stream.return();
  });

  test('stops when its signal fires', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const stream = decompress(inPieces(gzip, 1000), { what: 'layer 1', signal });
    await stream.next();
    controller.abort(new Error('enough'));
    await expect(joined(stream)).rejects.toThrow('enough');
  });
});

test('sniffCompression() takes short heads for plain data', () => {
  expect(sniffCompression(Uint8Array.of(0x1f))).toBe('none');
  expect(sniffCompression(zstd.subarray(0, 3))).toBe('none');
});
