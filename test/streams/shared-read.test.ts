import { describe, expect, test } from 'bun:test';
import { setImmediate } from 'node:timers/promises';
import { SharedRead } from '../../src/streams/shared-read.ts';

/** `count` pieces of ten bytes in one buffer that is used again, as a file is read. */
function source(count: number) {
  const state = { read: 0, closed: 0 };
  async function* stream() {
    const buffer = new Uint8Array(10);
    try {
      for (let i = 0; i < count; i++) {
        state.read += 1;
        yield buffer.fill(i);
      }
    } finally {
      state.closed += 1;
    }
  }
  return { state, stream: stream() };
}

async function drain(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of stream) all.push(piece);
  return Buffer.concat(all);
}

describe('SharedRead', () => {
  test('gives several readers the same bytes, read once, and closes the source', async () => {
    const { state, stream } = source(50);
    const read = new SharedRead(stream, 0);
    const [a, b] = await Promise.all([drain(read.read(0)), drain(read.read(0))]);
    const whole = Buffer.concat(Array.from({ length: 50 }, (_, i) => Buffer.alloc(10, i)));
    expect(a.equals(whole)).toBe(true);
    expect(b.equals(whole)).toBe(true);
    expect(state).toEqual({ read: 50, closed: 1 });
  });

  test('lets a reader join as long as the beginning is in the window', async () => {
    const { state, stream } = source(20);
    const read = new SharedRead(stream, 1000, { windowBytes: 50 });
    const first = read.read(1000);
    for (let i = 0; i < 4; i++) await first.next();
    expect(read.covers(1000)).toBe(true);
    expect(read.covers(999)).toBe(false);
    expect(read.covers(1015)).toBe(true);
    const [late, rest] = await Promise.all([drain(read.read(1015)), drain(first)]);
    expect([late.length, late[0], rest.length]).toEqual([185, 1, 160]);
    expect(state.read).toBe(20);
    expect(read.covers(1000)).toBe(false);
  });

  test('waits for a reader who is behind, but not for ever, and keeps no more than the window', async () => {
    const { state, stream } = source(100);
    const read = new SharedRead(stream, 0, { windowBytes: 50, patienceMs: 1 });
    const slow = read.read(0);
    const { value } = await slow.next();
    expect(value?.length).toBe(10);
    expect((await drain(read.read(0))).length).toBe(1000);
    expect(state.read).toBe(100);
    // It gets what it was in the middle of, and then its end comes early.
    expect((await drain(slow)).length).toBeLessThan(990);
  });

  test('does not read ahead while there is patience', async () => {
    const { state, stream } = source(100);
    const read = new SharedRead(stream, 0, { windowBytes: 50, patienceMs: 60_000 });
    const [slow, fast] = [read.read(0), read.read(0)];
    await slow.next();
    const draining = drain(fast);
    for (let turn = 0; turn < 50; turn++) await setImmediate();
    expect(state.read).toBeLessThan(10);
    expect((await drain(slow)).length).toBe(990);
    expect((await draining).length).toBe(1000);
  });

  test('goes on when a reader gives up, and is idle when the last one did', async () => {
    const { state, stream } = source(100);
    const read = new SharedRead(stream, 0, { windowBytes: 50, patienceMs: 60_000 });
    const [leaving, staying] = [read.read(0), read.read(0)];
    await leaving.next();
    const draining = drain(staying);
    for (let turn = 0; turn < 20; turn++) await setImmediate();
    await leaving.return();
    expect((await draining).length).toBe(1000);
    expect(read.isIdle).toBe(true);
    expect(state.closed).toBe(1);
  });

  test('throws to every reader what the source throws', async () => {
    async function* broken() {
      yield new Uint8Array(5);
      throw new Error('disk');
    }
    const read = new SharedRead(broken(), 0);
    const ends = await Promise.allSettled([drain(read.read(0)), drain(read.read(0))]);
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });
});
