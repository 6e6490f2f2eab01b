import type { ImageStore } from '../store/image-store.ts';

/** How long after a delete the store is tidied up: clients delete in groups. */
const REST_MS = 500;

/** Frees in the background what deletes left behind, once for all that come close together. */
export class Collector implements AsyncDisposable {
  readonly #store: Pick<ImageStore, 'collect'>;
  readonly #onFailure: (error: unknown) => void;
  readonly #stop = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running: Promise<void> = Promise.resolve();

  /** @param onFailure is called with what went wrong with a collection */
  constructor(store: Pick<ImageStore, 'collect'>, onFailure: (error: unknown) => void) {
    this.#store = store;
    this.#onFailure = onFailure;
  }

  /** Asks for a collection. One that fails, as on a disk that is full, is made up for by the next. */
  soon(): void {
    if (this.#stop.signal.aborted) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const { signal } = this.#stop;
      this.#running = this.#running
        .then(() => this.#store.collect({ signal }))
        .then(() => {}, this.#onFailure);
    }, REST_MS);
  }

  /** Stops, and settles when nothing is collected any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer);
    this.#stop.abort();
    await this.#running;
  }
}
