import { expect, test } from 'bun:test';
import { readAbortable } from '../../src/host/abortable-stream.ts';

test('readAbortable() gives every piece, in order', async () => {
  const stream = new Blob(['hello ', 'finch']).stream();
  const pieces: Uint8Array[] = [];
  for await (const piece of readAbortable(stream)) pieces.push(piece);
  expect(Buffer.concat(pieces).toString()).toBe('hello finch');
});

test('readAbortable() ends with the reason of its signal while it waits, and cancels the stream', async () => {
  const cancelled = Promise.withResolvers<void>();
  const stream = new ReadableStream<Uint8Array>({ cancel: () => cancelled.resolve() });
  const abort = new AbortController();
  const reading = readAbortable(stream, { signal: abort.signal }).next();
  const reason = new Error('stop');
  abort.abort(reason);
  await expect(reading).rejects.toBe(reason);
  await cancelled.promise;
});
