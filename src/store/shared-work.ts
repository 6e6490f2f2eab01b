import type { AbortOptions } from '../content.ts';

interface Running<T> {
  readonly result: Promise<T>;
  readonly stop: AbortController;
  /** How many wait for it. */
  waiting: number;
}

/** Work that several may ask for while it is under way, and that is done once for all of them. */
export class SharedWork<T> {
  readonly #running = new Map<string, Running<T>>();

  /**
   * What `work` gives, or gives to those who asked for the same `key` before. Its signal fires when nobody
   * waits for it any more.
   * @throws what `work` throws; the reason of `signal` when that fires first, while others wait on
   */
  async do(
    key: string,
    work: (signal: AbortSignal) => Promise<T>,
    { signal }: AbortOptions = {},
  ): Promise<T> {
    signal?.throwIfAborted();
    const running = this.#running.get(key) ?? this.#start(key, work);
    running.waiting++;
    const aborted = Promise.withResolvers<never>();
    const onAbort = () => aborted.reject(signal?.reason);
    signal?.addEventListener('abort', onAbort);
    try {
      return await Promise.race([running.result, aborted.promise]);
    } finally {
      signal?.removeEventListener('abort', onAbort);
      running.waiting--;
      if (running.waiting === 0) this.#end(key, running);
    }
  }

  #start(key: string, work: (signal: AbortSignal) => Promise<T>): Running<T> {
    const stop = new AbortController();
    const running = { result: work(stop.signal), stop, waiting: 0 };
    // Nobody may be waiting when it fails.
    running.result.catch(() => {});
    this.#running.set(key, running);
    return running;
  }

  #end(key: string, { stop }: Running<T>): void {
    this.#running.delete(key);
    stop.abort();
  }
}
