/** Fires its signal when what is expected does not come in time. Disposing of it stops the clock for good. */
export class Watchdog implements Disposable {
  readonly #controller = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;

  /** Its reason is an error with the code `ETIMEDOUT`. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Starts the clock again: something must happen within `ms` from now. */
  expect(ms: number): void {
    clearTimeout(this.#timer);
    // A body may still be read after the answer to it came.
    if (this.#isOver) return;
    // A timer of more than 2^31 ms would fire at once.
    this.#timer = setTimeout(() => this.#fire(), Math.min(ms, 2 ** 31 - 1));
  }

  /** Stops the clock: nothing is expected until the next {@link expect}. */
  rest(): void {
    clearTimeout(this.#timer);
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    this.rest();
  }

  #fire(): void {
    this.#controller.abort(Object.assign(new Error('nothing came in time'), { code: 'ETIMEDOUT' }));
  }
}
