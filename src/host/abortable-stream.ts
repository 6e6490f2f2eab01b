import type { AbortOptions } from '../content.ts';

/**
 * The pieces of a stream, until its end or until `signal` fires, also while it waits for the next piece:
 * what reads a pipe or a terminal may wait for ever.
 * @throws the signal's reason; what the stream throws
 */
export async function* readAbortable(
  stream: ReadableStream<Uint8Array>,
  { signal }: AbortOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  signal?.throwIfAborted();
  const reader = stream.getReader();
  const aborted = Promise.withResolvers<never>();
  // Nobody may be waiting when it fires.
  aborted.promise.catch(() => {});
  const onAbort = () => aborted.reject(signal?.reason);
  signal?.addEventListener('abort', onAbort);
  try {
    for (;;) {
      signal?.throwIfAborted();
      const { done, value } = await Promise.race([reader.read(), aborted.promise]);
      if (done) return;
      yield value;
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
    // Not awaited: a read that the system has not answered may keep it from settling.
    void reader.cancel().catch(() => {});
  }
}
