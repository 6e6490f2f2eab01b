import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { ZstdFrames } from '../../src/streams/zstd-frames.ts';
import { noise } from './byte-streams.ts';

/** Whether the walk takes all the bytes for zstd data, and whether that may be all. */
function walk(bytes: Uint8Array, pieceLength = bytes.length + 1): readonly [boolean, boolean] {
  const frames = new ZstdFrames();
  let isZstd = true;
  for (let at = 0; at < bytes.length; at += pieceLength) {
    isZstd = frames.take(bytes.subarray(at, at + pieceLength));
  }
  return [isZstd, frames.isWhole];
}

const skippable = Uint8Array.of(0x5f, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3);

describe('ZstdFrames', () => {
  test('knows whole data from data that is cut off anywhere, in pieces of any length', () => {
    const content = fc.oneof(
      fc.uint8Array({ maxLength: 3000 }),
      fc.nat(300_000).map((length) => noise(length)),
      fc.nat(300_000).map((length) => new Uint8Array(length)),
    );
    const frame = fc
      .tuple(content, fc.constantFrom(1, 3, 19))
      .map(([bytes, level]) => Bun.zstdCompressSync(Buffer.from(bytes), { level }));
    const frames = fc.array(fc.oneof(frame, fc.constant(skippable)), {
      minLength: 1,
      maxLength: 3,
    });
    fc.assert(
      fc.property(frames, fc.nat(), fc.integer({ min: 1, max: 5000 }), (parts, cut, piece) => {
        const whole = Buffer.concat(parts);
        expect(walk(whole, piece)).toEqual([true, true]);
        const last = parts.at(-1)?.length ?? 0;
        const shorter = whole.subarray(0, whole.length - 1 - (cut % (last - 1)));
        expect(walk(shorter, piece)).toEqual([true, false]);
      }),
      { numRuns: 60 },
    );
  });

  test('reads headers of every form', () => {
    // Every size of dictionary id and of content size, with and without window and checksum.
    for (let flags = 0; flags < 256; flags++) {
      const isSingle = (flags & 0x20) !== 0;
      const header =
        (isSingle ? 0 : 1) +
        ([0, 1, 2, 4][flags & 3] ?? 0) +
        ([isSingle ? 1 : 0, 2, 4, 8][flags >> 6] ?? 0);
      const checksum = (flags & 4) === 0 ? 0 : 4;
      const raw = [(2 << 3) | 0, 0, 0, 65, 66];
      const repeated = [((9 << 3) | (1 << 1) | 1) & 0xff, 0, 0, 67];
      const frame = Uint8Array.from([
        ...[0x28, 0xb5, 0x2f, 0xfd, flags],
        ...new Uint8Array(header),
        ...raw,
        ...repeated,
        ...new Uint8Array(checksum),
      ]);
      expect(walk(frame)).toEqual([true, true]);
      expect(walk(frame.subarray(0, -1))).toEqual([true, false]);
    }
  });

  test('takes nothing for whole, and refuses what is no frame', () => {
    expect(walk(new Uint8Array())).toEqual([true, true]);
    const frame = Bun.zstdCompressSync(Buffer.from('finch'));
    expect(walk(Buffer.concat([frame, Buffer.from('garbage')]))[0]).toBe(false);
    expect(walk(Buffer.concat([frame, new Uint8Array(4)]))[0]).toBe(false);
    expect(walk(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0x38, 7, 0, 0))[0]).toBe(false);
  });

  test('takes any bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array()), (pieces) => {
        const frames = new ZstdFrames();
        frames.take(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd));
        for (const piece of pieces) frames.take(piece);
        expect(typeof frames.isWhole).toBe('boolean');
      }),
    );
  });
});
