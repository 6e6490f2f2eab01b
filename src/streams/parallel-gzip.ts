import { GZIP_BLOCK_BYTES, gzipBlock } from './gzip-block.ts';
import { GzipPool } from './gzip-pool.ts';

const MAX_THREADS = 8;

/** Options of {@link parallelGzip}. */
export interface ParallelGzipOptions {
  /** Threads. Default: one for each core, at most 8. */
  readonly threads?: number;
  readonly signal?: AbortSignal | undefined;
}

interface Block {
  readonly buffer: ArrayBuffer;
  /** Bytes of the buffer that count. */
  readonly length: number;
}

/**
 * `source` in gzip format: one member for each block of 1 MiB, which every gzip reader joins. The same
 * input gives the same bytes on every machine, whatever the number of threads. Holds at most two
 * blocks for each thread; what fits into one block is compressed without any.
 * https://www.rfc-editor.org/rfc/rfc1952#section-2.2
 */
export async function* parallelGzip(
  source: AsyncIterable<Uint8Array>,
  options: ParallelGzipOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const { threads = Math.min(MAX_THREADS, navigator.hardwareConcurrency), signal } = options;
  using pool = new GzipPool(threads);
  const pending: Promise<Uint8Array>[] = [];
  let last: Block | undefined;
  for await (const block of blocks(source, pool)) {
    signal?.throwIfAborted();
    if (last !== undefined) {
      if (pending.length === 2 * threads) yield* take(pending);
      pending.push(pool.compress(last.buffer, last.length));
    }
    last = block;
  }
  if (last === undefined || pending.length === 0) {
    yield gzipBlock(new Uint8Array(last?.buffer ?? new ArrayBuffer(0), 0, last?.length ?? 0));
    return;
  }
  pending.push(pool.compress(last.buffer, last.length));
  while (pending.length > 0) {
    signal?.throwIfAborted();
    yield* take(pending);
  }
}

async function* take(pending: Promise<Uint8Array>[]): AsyncGenerator<Uint8Array, void, undefined> {
  const member = await pending.shift();
  if (member !== undefined) yield member;
}

/** The bytes of `source` in full blocks; only the last may be shorter, and none is empty. */
async function* blocks(
  source: AsyncIterable<Uint8Array>,
  pool: GzipPool,
): AsyncGenerator<Block, void, undefined> {
  let buffer = pool.buffer(GZIP_BLOCK_BYTES);
  let filled = 0;
  for await (const piece of source) {
    for (let used = 0; used < piece.length; ) {
      if (filled === GZIP_BLOCK_BYTES) {
        yield { buffer, length: filled };
        buffer = pool.buffer(GZIP_BLOCK_BYTES);
        filled = 0;
      }
      const part = piece.subarray(used, used + GZIP_BLOCK_BYTES - filled);
      new Uint8Array(buffer).set(part, filled);
      filled += part.length;
      used += part.length;
    }
  }
  if (filled > 0) yield { buffer, length: filled };
}
