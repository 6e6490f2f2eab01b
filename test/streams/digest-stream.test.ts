import { describe, expect, test } from 'bun:test';
import { digestOf } from '../../src/oci/digest.ts';
import { type Digested, digestAll, digestStream } from '../../src/streams/digest-stream.ts';
import { inPieces, joined, noise } from './byte-streams.ts';

const bytes = noise(10_000);

describe('digestStream()', () => {
  test('passes the bytes on and says their digest and size before the end', async () => {
    const seen: Digested[] = [];
    const stream = digestStream(inPieces(bytes, 333), { onEnd: (all) => seen.push(all) });
    expect(await joined(stream)).toEqual(Buffer.from(bytes));
    expect(seen).toEqual([{ digest: digestOf(bytes), size: 10_000 }]);
  });

  test('throws what onEnd throws', async () => {
    const stream = digestStream(inPieces(bytes, 333), {
      onEnd: () => {
        throw new Error('another digest');
      },
    });
    await expect(joined(stream)).rejects.toThrow('another digest');
  });

  test('hashes with SHA-512 when asked', async () => {
    const seen: Digested[] = [];
    const onEnd = (all: Digested) => seen.push(all);
    await joined(digestStream(inPieces(bytes, 333), { algorithm: 'sha512', onEnd }));
    expect(seen[0]?.digest).toBe(digestOf(bytes, 'sha512'));
  });
});

test('digestAll() says what a stream was', async () => {
  expect(await digestAll(inPieces(bytes, 10_000))).toEqual({
    digest: digestOf(bytes),
    size: 10_000,
  });
});
