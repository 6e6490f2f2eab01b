/**
 * Lets at most `count` tasks run at once. Of those that wait, the heaviest starts first: with uneven
 * sizes that ends soonest.
 */
export class Slots {
  readonly #waiting: { readonly weight: number; readonly start: () => void }[] = [];
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  /** Runs `task` when its turn comes, and gives what it gives. */
  async run<T>(task: () => Promise<T>, { weight = 0 } = {}): Promise<T> {
    await this.#enter(weight);
    try {
      return await task();
    } finally {
      this.#leave();
    }
  }

  #enter(weight: number): Promise<void> | void {
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    return new Promise((start) => {
      const behind = this.#waiting.findIndex((other) => other.weight < weight);
      this.#waiting.splice(behind === -1 ? this.#waiting.length : behind, 0, { weight, start });
    });
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next.start();
  }
}
