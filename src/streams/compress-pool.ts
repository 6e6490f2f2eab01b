import { compressBlock } from './compress-block.ts';
import { BLOCK_BYTES, type Compressor } from './compressor.ts';

/** What a block became. */
export interface CompressedBlock {
  /** In order. Some may be parts of `block`. */
  readonly pieces: readonly Uint8Array[];
  /** The block itself, for {@link CompressPool.takeBack}. */
  readonly block: ArrayBuffer;
}

interface Job {
  resolve(block: CompressedBlock): void;
  reject(error: Error): void;
}

interface Thread {
  readonly worker: Worker;
  /** What it was given and has not answered, oldest first. */
  readonly jobs: Job[];
}

/** More than this only waits for the one thread that reads, hashes and writes. */
const MAX_THREADS = 16;

/**
 * Threads that compress blocks, for any number of streams at once. Starts them as blocks come, gives each
 * block to the one that has least to do, and keeps the emptied buffers to be filled again. Where the
 * system allows no more threads it does with those that it has, or with the caller's own. Disposing
 * stops the threads; what they had is lost.
 */
export class CompressPool implements Disposable {
  #size: number;
  readonly #threads: Thread[] = [];
  readonly #buffers: ArrayBuffer[] = [];

  /** @param threads default: one for each core, at most 16 */
  constructor(threads: number = Math.min(MAX_THREADS, navigator.hardwareConcurrency)) {
    this.#size = threads;
  }

  /** Blocks that a stream should have given at once, so that no thread waits for it. */
  get depth(): number {
    return 2 * Math.max(1, this.#size);
  }

  /** A buffer for one block. */
  buffer(): ArrayBuffer {
    return this.#buffers.pop() ?? new ArrayBuffer(BLOCK_BYTES);
  }

  /** Takes a buffer that is used no more, to be filled again. */
  takeBack(block: ArrayBuffer): void {
    this.#buffers.push(block);
  }

  /** What the first `length` bytes of `block` become. The block is handed over, and comes with them. */
  compress(block: ArrayBuffer, length: number, compressor: Compressor): Promise<CompressedBlock> {
    const thread = this.#next();
    if (thread === undefined) {
      const pieces = compressBlock(new Uint8Array(block, 0, length), compressor);
      return Promise.resolve({ pieces, block });
    }
    const { promise, resolve, reject } = Promise.withResolvers<CompressedBlock>();
    // A failure is met where the pieces are awaited; that may be never, after another failure.
    promise.catch(() => {});
    thread.jobs.push({ resolve, reject });
    thread.worker.postMessage({ block, length, compressor }, [block]);
    return promise;
  }

  /** Who has least to do; undefined when there is no thread at all. */
  #next(): Thread | undefined {
    const idle = this.#threads.find(({ jobs }) => jobs.length === 0);
    if (idle !== undefined) return idle;
    if (this.#threads.length < this.#size) {
      try {
        return this.#start();
      } catch {
        this.#size = this.#threads.length;
      }
    }
    return this.#threads.toSorted((a, b) => a.jobs.length - b.jobs.length)[0];
  }

  #start(): Thread {
    // The same form in a checkout and in the compiled executable, where build.ts makes `src/streams`
    // the root of the entry points.
    const worker = new Worker(new URL('./compress-worker.ts', import.meta.url).href);
    const thread: Thread = { worker, jobs: [] };
    worker.onmessage = ({ data }: MessageEvent<CompressedBlock>) => {
      thread.jobs.shift()?.resolve(data);
    };
    worker.onerror = (event) => {
      const error = new Error(`a compression thread failed: ${event.message}`);
      for (const job of thread.jobs.splice(0)) job.reject(error);
    };
    this.#threads.push(thread);
    return thread;
  }

  [Symbol.dispose](): void {
    for (const { worker } of this.#threads) worker.terminate();
    this.#threads.length = 0;
  }
}
