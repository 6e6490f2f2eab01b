import { describe, expect, test } from 'bun:test';
import { FinchError } from '../../src/errors.ts';
import { readAll } from '../../src/streams/bounded.ts';
import { inPieces, noise } from './byte-streams.ts';

const tooLarge = () => new FinchError('DOCUMENT_INVALID', 'too large');

describe('readAll()', () => {
  test('joins pieces whose buffer is reused', async () => {
    const bytes = noise(1000);
    expect(await readAll(inPieces(bytes, 7), { limit: 1000, tooLarge })).toEqual(
      Buffer.from(bytes),
    );
  });

  test('gives no bytes for an empty stream', async () => {
    expect(await readAll(inPieces(new Uint8Array(), 1), { limit: 0, tooLarge })).toHaveLength(0);
  });

  test('throws the given error and closes the source when more than the limit comes', async () => {
    let closed = false;
    async function* endless() {
      try {
        for (;;) yield new Uint8Array(10);
      } finally {
        closed = true;
      }
    }
    await expect(readAll(endless(), { limit: 95, tooLarge })).rejects.toThrow('too large');
    expect(closed).toBe(true);
  });
});
