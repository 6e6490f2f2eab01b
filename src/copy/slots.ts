/** One task that waits. */
interface Waiting {
  readonly weight: number;
  /** When it came: of two that weigh the same the lower starts first. */
  readonly order: number;
  readonly start: () => void;
}

/**
 * Lets at most `count` tasks run at once. Of those that wait, the heaviest starts first: with uneven
 * sizes that ends soonest.
 */
export class Slots {
  /** A binary heap, for an image may have tens of thousands of parts: no child goes before its parent. */
  readonly #waiting: Waiting[] = [];
  #free: number;
  #came = 0;

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
    this.#came += 1;
    const order = this.#came;
    return new Promise((start) => this.#rise({ weight, order, start }));
  }

  #leave(): void {
    const [next] = this.#waiting;
    const last = this.#waiting.pop();
    if (next === undefined || last === undefined) {
      this.#free += 1;
      return;
    }
    if (last !== next) this.#sink(last);
    next.start();
  }

  /** Adds one at the end and moves it up to its place. */
  #rise(added: Waiting): void {
    let at = this.#waiting.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = this.#waiting[above];
      if (parent === undefined || !isBefore(added, parent)) break;
      this.#waiting[at] = parent;
      at = above;
    }
    this.#waiting[at] = added;
  }

  /** Puts one in the place of the first and moves it down to its place. */
  #sink(moved: Waiting): void {
    let at = 0;
    for (;;) {
      const left = this.#waiting[2 * at + 1];
      const right = this.#waiting[2 * at + 2];
      const isRight = left !== undefined && right !== undefined && isBefore(right, left);
      const child = isRight ? right : left;
      if (child === undefined || !isBefore(child, moved)) break;
      this.#waiting[at] = child;
      at = 2 * at + (isRight ? 2 : 1);
    }
    this.#waiting[at] = moved;
  }
}

function isBefore(a: Waiting, b: Waiting): boolean {
  return a.weight === b.weight ? a.order < b.order : a.weight > b.weight;
}
