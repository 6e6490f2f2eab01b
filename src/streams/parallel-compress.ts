import { compressBlock } from './compress-block.ts';
import type { CompressedBlock, CompressPool } from './compress-pool.ts';
import { BLOCK_BYTES, type Compressor } from './compressor.ts';

/** Options of {@link parallelCompress}. */
export interface ParallelCompressOptions {
  /** Whose threads do it. Other streams may use them at the same time. */
  readonly pool: CompressPool;
  readonly compressor: Compressor;
  readonly signal?: AbortSignal | undefined;
}

interface Block {
  readonly buffer: ArrayBuffer;
  /** Bytes of the buffer that count. */
  readonly length: number;
}

/**
 * `source` compressed in blocks of 1 MiB, each whole by itself. The same input gives the same bytes on
 * every machine, whatever the number of threads. Holds at most two blocks for each thread; what fits
 * into one block is compressed without any. A piece lasts until the next is asked for.
 */
export async function* parallelCompress(
  source: AsyncIterable<Uint8Array>,
  { pool, compressor, signal }: ParallelCompressOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const pending: Promise<CompressedBlock>[] = [];
  let last: Block | undefined;
  for await (const block of blocks(source, pool)) {
    signal?.throwIfAborted();
    if (last !== undefined) {
      if (pending.length === pool.depth) yield* take(pending, pool);
      pending.push(pool.compress(last.buffer, last.length, compressor));
    }
    last = block;
  }
  if (last === undefined || pending.length === 0) {
    const { buffer, length } = last ?? { buffer: new ArrayBuffer(0), length: 0 };
    yield* compressBlock(new Uint8Array(buffer, 0, length), compressor);
    return;
  }
  pending.push(pool.compress(last.buffer, last.length, compressor));
  while (pending.length > 0) {
    signal?.throwIfAborted();
    yield* take(pending, pool);
  }
}

async function* take(
  pending: Promise<CompressedBlock>[],
  pool: CompressPool,
): AsyncGenerator<Uint8Array, void, undefined> {
  const done = await pending.shift();
  if (done === undefined) return;
  yield* done.pieces;
  pool.takeBack(done.block);
}

/** The bytes of `source` in full blocks; only the last may be shorter, and none is empty. */
async function* blocks(
  source: AsyncIterable<Uint8Array>,
  pool: CompressPool,
): AsyncGenerator<Block, void, undefined> {
  let buffer = pool.buffer();
  let filled = 0;
  for await (const piece of source) {
    for (let used = 0; used < piece.length; ) {
      if (filled === BLOCK_BYTES) {
        yield { buffer, length: filled };
        buffer = pool.buffer();
        filled = 0;
      }
      const part = piece.subarray(used, used + BLOCK_BYTES - filled);
      new Uint8Array(buffer).set(part, filled);
      filled += part.length;
      used += part.length;
    }
  }
  if (filled > 0) yield { buffer, length: filled };
}
