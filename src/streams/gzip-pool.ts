import { gzipBlock } from './gzip-block.ts';

interface Job {
  resolve(member: Uint8Array): void;
  reject(error: Error): void;
}

interface Thread {
  readonly worker: Worker;
  /** What it was given and has not answered, oldest first. */
  readonly jobs: Job[];
}

interface Answer {
  readonly block: ArrayBuffer;
  readonly member: Uint8Array;
}

/**
 * Threads that compress blocks. Starts them as blocks come, hands the blocks out in turn, and keeps
 * the emptied buffers to be filled again. Where the system allows no more threads it does with those
 * that it has, or with the caller's own. Disposing stops the threads; what they had is lost.
 */
export class GzipPool implements Disposable {
  #size: number;
  readonly #threads: Thread[] = [];
  readonly #buffers: ArrayBuffer[] = [];
  #given = 0;

  constructor(size: number) {
    this.#size = size;
  }

  /** A buffer that an answered block came in, or a new one of `bytes` bytes. */
  buffer(bytes: number): ArrayBuffer {
    return this.#buffers.pop() ?? new ArrayBuffer(bytes);
  }

  /** The gzip member of the first `length` bytes of `block`, which is handed over and must not be used again. */
  compress(block: ArrayBuffer, length: number): Promise<Uint8Array> {
    const thread = this.#next();
    if (thread === undefined) {
      const member = gzipBlock(new Uint8Array(block, 0, length));
      this.#buffers.push(block);
      return Promise.resolve(member);
    }
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    // A failure is met where the member is awaited; that may be never, after another failure.
    promise.catch(() => {});
    thread.jobs.push({ resolve, reject });
    thread.worker.postMessage({ block, length }, [block]);
    return promise;
  }

  /** Whose turn it is; undefined when there is no thread at all. */
  #next(): Thread | undefined {
    if (this.#threads.length < this.#size) {
      try {
        return this.#start();
      } catch {
        this.#size = this.#threads.length;
      }
    }
    return this.#threads[this.#given++ % this.#size];
  }

  #start(): Thread {
    // The same form in a checkout and in the compiled executable, where build.ts makes `src/streams`
    // the root of the entry points.
    const worker = new Worker(new URL('./gzip-worker.ts', import.meta.url).href);
    const thread: Thread = { worker, jobs: [] };
    worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      this.#buffers.push(data.block);
      thread.jobs.shift()?.resolve(data.member);
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
