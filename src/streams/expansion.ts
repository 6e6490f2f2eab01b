/** What {@link Expansion} allows. Data that passes both `bytes` and `ratio` is a decompression bomb. */
export interface ExpansionLimits {
  /** Bytes that come out. Default: 32 GiB, for there are honest layers with a disk image of zeros in them. */
  readonly bytes?: number;
  /** Bytes that come out for each that goes in. Default: 200. Programs reach 20 at most; what has more is zeros. */
  readonly ratio?: number;
  /** What to do about a bomb. */
  readonly hint?: string;
}

/**
 * Counts what goes into decompression and what comes out, of one stream or of several that belong
 * together: many small bombs are one large one.
 */
export class Expansion {
  readonly #bytes: number;
  readonly #ratio: number;
  /** What to do when it {@link isBomb}. */
  readonly hint: string;
  #taken = 0;
  #given = 0;

  constructor(limits: ExpansionLimits = {}) {
    this.#bytes = limits.bytes ?? 32 * 1024 ** 3;
    this.#ratio = limits.ratio ?? 200;
    this.hint = limits.hint ?? 'get it from a source that you trust';
  }

  /** Counts bytes that go in. */
  take(bytes: number): void {
    this.#taken += bytes;
  }

  /** Counts bytes that come out. */
  give(bytes: number): void {
    this.#given += bytes;
  }

  /** Whether more came out than any image needs. */
  get isBomb(): boolean {
    return this.#given > this.#bytes && this.#given > this.#taken * this.#ratio;
  }

  /** The limits that a bomb passed, for a message. */
  toString(): string {
    return `more than ${this.#bytes / 1024 ** 3} GiB, over ${this.#ratio} times what goes in`;
  }
}
