/** One task that waits. */
interface Waiting {
  readonly weight: number;
  readonly cost: number;
  /** When it came: of two that weigh the same the lower starts first. */
  readonly order: number;
  readonly start: () => void;
}

/** What a task is to {@link Slots}. */
export interface TaskWeight {
  /** Default: 0. */
  readonly weight?: number;
  /** How many slots it takes, no more than there are at the start. Default: 1. */
  readonly cost?: number;
}

/**
 * Lets at most `count` tasks run at once, or fewer that take several slots each. Of those that wait, the
 * heaviest starts first: with uneven sizes that ends soonest.
 */
export class Slots {
  /** A binary heap, for an image may have tens of thousands of parts: no child goes before its parent. */
  readonly #waiting: Waiting[] = [];
  #count: number;
  #taken = 0;
  #came = 0;

  constructor(count: number) {
    this.#count = count;
  }

  /** Lets `count` tasks run at once from now on; what runs already goes on. */
  resize(count: number): void {
    this.#count = count;
    this.#startWaiting();
  }

  /** Runs `task` when its turn comes, and gives what it gives. */
  async run<T>(task: () => Promise<T>, { weight = 0, cost = 1 }: TaskWeight = {}): Promise<T> {
    await this.#enter(weight, cost);
    try {
      return await task();
    } finally {
      this.#taken -= cost;
      this.#startWaiting();
    }
  }

  #enter(weight: number, cost: number): Promise<void> | void {
    // Not past those that wait: a small one after the other would keep a large one waiting for ever.
    if (this.#waiting.length === 0 && this.#fits(cost)) {
      this.#taken += cost;
      return;
    }
    this.#came += 1;
    const order = this.#came;
    return new Promise((start) => this.#rise({ weight, cost, order, start }));
  }

  #fits(cost: number): boolean {
    return this.#taken === 0 || this.#taken + cost <= this.#count;
  }

  #startWaiting(): void {
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined || !this.#fits(next.cost)) return;
      const last = this.#waiting.pop();
      if (last !== undefined && last !== next) this.#sink(last);
      this.#taken += next.cost;
      next.start();
    }
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
