import { describe, expect, test } from 'bun:test';
import { RateLimit } from '../../src/streams/rate-limit.ts';

/** A clock that moves only when somebody sleeps. */
function fakeClock() {
  const clock = { ms: 0, slept: 0 };
  return {
    clock,
    now: () => clock.ms,
    sleep: async (ms: number) => {
      clock.ms += ms;
      clock.slept += ms;
    },
  };
}

async function* pieces(count: number, size: number) {
  for (let i = 0; i < count; i++) yield new Uint8Array(size).fill(i);
}

async function drain(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const piece of stream) all.push(piece.slice());
  return Buffer.concat(all);
}

describe('RateLimit', () => {
  test('passes the same bytes on, in the time that they take', async () => {
    const time = fakeClock();
    const limit = new RateLimit(100_000, time);
    const bytes = await drain(limit.limit(pieces(10, 100_000)));
    expect(bytes).toEqual(await drain(pieces(10, 100_000)));
    expect(time.clock.ms).toBeCloseTo(10_000, 0);
  });

  test('is shared: two streams take as long together as one of both', async () => {
    const time = fakeClock();
    const limit = new RateLimit(1000, time);
    await Promise.all([drain(limit.limit(pieces(1, 4000))), drain(limit.limit(pieces(2, 3000)))]);
    // Each sleeps for itself, so the clock of the test runs ahead, but never less than the bytes need.
    expect(time.clock.ms).toBeGreaterThanOrEqual(9_999);
  });

  test('has streams wait for what was read beside them', async () => {
    const time = fakeClock();
    const limit = new RateLimit(1000, time);
    limit.took(5000);
    await drain(limit.limit(pieces(1, 1000)));
    expect(time.clock.ms).toBeGreaterThanOrEqual(5_899);
  });

  test('lets nobody wait for longer than a piece takes, also at a low rate', async () => {
    const time = fakeClock();
    const waits: number[] = [];
    const limit = new RateLimit(10_000, {
      now: time.now,
      sleep: async (ms) => {
        waits.push(ms);
        await time.sleep(ms);
      },
    });
    await drain(limit.limit(pieces(1, 50_000)));
    expect(Math.max(...waits)).toBeLessThanOrEqual(200);
  });

  test('saves up no more than a tenth of a second while nothing is sent', async () => {
    const time = fakeClock();
    const limit = new RateLimit(1_000_000, time);
    time.clock.ms = 3_600_000;
    await drain(limit.limit(pieces(1, 1_000_000)));
    expect(time.clock.slept).toBeGreaterThanOrEqual(899);
  });

  test('ends with the reason of a signal that fires while it waits, and closes the stream', async () => {
    const controller = new AbortController();
    let closed = false;
    async function* endless() {
      try {
        for (;;) yield new Uint8Array(1000);
      } finally {
        closed = true;
      }
    }
    const limit = new RateLimit(10);
    const draining = drain(limit.limit(endless(), { signal: controller.signal }));
    controller.abort();
    await expect(draining).rejects.toThrow();
    expect(closed).toBe(true);
  });
});
