/** Numbers that look random and are the same for the same seed, on every machine (sfc32). */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param seed any text */
  constructor(seed: string) {
    const [low, high] = [Bun.hash(seed, 1), Bun.hash(seed, 2)].map(BigInt);
    this.#a = Number((low ?? 0n) & 0xffffffffn);
    this.#b = Number((low ?? 0n) >> 32n);
    this.#c = Number((high ?? 0n) & 0xffffffffn);
    for (let i = 0; i < 12; i++) this.next();
  }

  /** A whole number from 0 to 2^32-1. */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter++) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return sum >>> 0;
  }

  /** A whole number from 0 up to, not including, `end`; 0 when that is empty. */
  below(end: number): number {
    return end < 1 ? 0 : this.next() % end;
  }

  /** True once in `times`. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  /** A number that is mostly small: each power of two up to `end` is as likely as the next. */
  small(end: number): number {
    return this.below(Math.min(end, 2 ** this.below(Math.log2(end + 1) + 1)));
  }

  /** One of the items. */
  pick<T>(items: readonly [T, ...T[]] | readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}
