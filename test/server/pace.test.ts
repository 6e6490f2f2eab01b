import { expect, test } from 'bun:test';
import { idleSeconds, Pace } from '../../src/server/pace.ts';

const limits = { idleMs: 60_000, minimumRate: 1000 };

test('a body comes whole, also one that is empty', async () => {
  for (const body of [null, new Blob(['0123']).stream()]) {
    let received = 0;
    for await (const piece of new Pace(limits).receive(body)) received += piece.length;
    expect(received).toBe(body === null ? 0 : 4);
  }
});

test('a body that is told to stop does so, though nothing comes', async () => {
  const stop = new AbortController();
  const body = new ReadableStream<Uint8Array>();
  const pieces = new Pace(limits).receive(body, { signal: stop.signal })[Symbol.asyncIterator]();
  const next = pieces.next();
  stop.abort(new Error('stopped'));
  await expect(next).rejects.toThrow('stopped');
});

test('a body that nobody reads to its end is cancelled', async () => {
  const cancelled = Promise.withResolvers<string>();
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(1)),
    cancel: () => cancelled.resolve('cancelled'),
  });
  for await (const _ of new Pace(limits).receive(body)) break;
  expect(await cancelled.promise).toBe('cancelled');
});

test('idleSeconds() is what the timer of a socket can be set to', () => {
  expect(idleSeconds({ idleMs: 1 })).toBe(1);
  expect(idleSeconds({ idleMs: 120_000 })).toBe(120);
  expect(idleSeconds({ idleMs: 1e9 })).toBe(255);
});
