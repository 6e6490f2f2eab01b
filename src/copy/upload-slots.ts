import { Slots } from './slots.ts';

/** Large uploads that run at once before anything is known. Peers use 3 to 6. */
const START = 4;

/** The most that it grows to: some connections fill any link, and many are a burden to a registry. */
const MOST = 8;

/** What is no larger takes about two round trips and hardly any bandwidth. */
const SMALL_BYTES = 1024 * 1024;

/** How many small uploads may run in the place of a large one. */
const SMALL_IN_ONE = 2;

/** What goes up before all that waits: a manifest, which takes one round trip and may be all that an image lacks. */
export const FIRST = Number.POSITIVE_INFINITY;

/** How many uploads a registry gets at once. */
export interface UploadLimits {
  /** Uploads at once, of any size. Default: 4, which grow to 8, and twice as many of up to 1 MiB. */
  readonly max?: number | undefined;
}

/**
 * The uploads to one registry, the largest of those that wait first. How many run at once is found out:
 * one more for each that ended, and half as many when the registry asks for less. After that it takes as
 * many good ends as small uploads run at once until there is one more.
 */
export class UploadSlots {
  readonly #slots: Slots;
  readonly #most: number;
  /** Slots that a large upload takes. */
  readonly #unit: number;
  #count: number;
  /** Good ends that are needed for one more. */
  #step = 1;
  #ends = 0;
  /** Whether none has ended since the number was halved: many answers of one moment are one wish. */
  #isHalved = false;

  constructor({ max }: UploadLimits = {}) {
    this.#most = max ?? MOST;
    this.#count = max ?? START;
    this.#unit = max === undefined ? SMALL_IN_ONE : 1;
    this.#slots = new Slots(this.#count * this.#unit);
  }

  /** Large uploads that may run at once now. */
  get count(): number {
    return this.#count;
  }

  /** Runs an upload of `size` bytes, or one that goes {@link FIRST}, when its turn comes. */
  run<T>(upload: () => Promise<T>, { size }: { readonly size: number }): Promise<T> {
    const isLarge = size > SMALL_BYTES && size !== FIRST;
    const counted = async () => {
      const result = await upload();
      this.#ended();
      return result;
    };
    return this.#slots.run(counted, { weight: size, cost: isLarge ? this.#unit : 1 });
  }

  /** The registry asked for less at once. */
  throttled(): void {
    if (this.#isHalved) return;
    this.#isHalved = true;
    this.#resize(Math.max(1, Math.floor(this.#count / 2)));
    this.#step = this.#count * this.#unit;
    this.#ends = 0;
  }

  #ended(): void {
    this.#isHalved = false;
    this.#ends += 1;
    if (this.#ends < this.#step || this.#count >= this.#most) return;
    this.#ends = 0;
    this.#resize(this.#count + 1);
    if (this.#step > 1) this.#step = this.#count * this.#unit;
  }

  #resize(count: number): void {
    this.#count = count;
    this.#slots.resize(count * this.#unit);
  }
}
