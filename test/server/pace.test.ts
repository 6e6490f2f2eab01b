import { expect, test } from 'bun:test';
import { idleSeconds, Pace } from '../../src/server/pace.ts';

const limits = { idleMs: 60_000, minimumRate: 1000 };

test('the connection may be silent from the beginning of a body on, also of one that is empty', async () => {
  for (const body of [null, new Blob(['0123']).stream()]) {
    const timer: number[] = [];
    const pace = new Pace(limits, (seconds) => timer.push(seconds));
    let received = 0;
    for await (const piece of pace.receive(body)) received += piece.length;
    expect([received, timer]).toEqual([body === null ? 0 : 4, [0]]);
  }
});

test('a body that nobody reads to its end is cancelled', async () => {
  const cancelled = Promise.withResolvers<string>();
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(1)),
    cancel: () => cancelled.resolve('cancelled'),
  });
  for await (const _ of new Pace(limits, () => {}).receive(body)) break;
  expect(await cancelled.promise).toBe('cancelled');
});

test('idleSeconds() is what the timer of a socket can be set to', () => {
  expect(idleSeconds({ idleMs: 1 })).toBe(1);
  expect(idleSeconds({ idleMs: 120_000 })).toBe(120);
  expect(idleSeconds({ idleMs: 1e9 })).toBe(255);
});
