import { describe, expect, test } from 'bun:test';
import { peek } from '../../src/streams/peek.ts';
import { inPieces, joined, noise } from './byte-streams.ts';

describe('peek()', () => {
  test('shows the head and still gives everything', async () => {
    const bytes = noise(100);
    const { head, whole } = await peek(inPieces(bytes, 3), 4);
    expect(head).toEqual(Buffer.from(bytes.subarray(0, 6)));
    expect(await joined(whole)).toEqual(Buffer.from(bytes));
  });

  test('shows all of a stream that is shorter', async () => {
    const { head, whole } = await peek(inPieces(noise(2), 1), 4);
    expect(head).toHaveLength(2);
    expect(await joined(whole)).toHaveLength(2);
  });

  test('closes the source when it is closed before it is read', async () => {
    let closed = false;
    async function* source() {
      try {
        yield noise(10);
        yield noise(10);
      } finally {
        closed = true;
      }
    }
    const { whole } = await peek(source(), 4);
    await whole.return();
    expect(closed).toBe(true);
    expect(await joined(whole)).toHaveLength(0);
  });
});
