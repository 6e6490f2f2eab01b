/** Numbers that look random and are the same for the same seed. */
export interface Random {
  /** A whole number from 0 to `limit - 1`. */
  below(limit: number): number;
  /** One of the list, which must not be empty. */
  pick<T>(list: readonly T[]): T;
  /** True in `share` of all cases, from 0 to 1. */
  chance(share: number): boolean;
  /** Bytes that cannot be compressed. */
  bytes(count: number): Uint8Array<ArrayBuffer>;
  /** Another source that goes its own way from here. */
  fork(): Random;
}

/** Starts at a seed: mulberry32, of which any 32 bits are a good start. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const below = (limit: number) => Math.floor((next() / 2 ** 32) * limit);
  return {
    below,
    pick(list) {
      const found = list[below(list.length)];
      if (found === undefined) throw new Error('there is nothing to pick from');
      return found;
    },
    chance: (share) => next() / 2 ** 32 < share,
    bytes(count) {
      const words = new Uint32Array(Math.ceil(count / 4));
      for (let i = 0; i < words.length; i++) words[i] = next();
      return new Uint8Array(words.buffer).slice(0, count);
    },
    fork: () => randomFrom(next()),
  };
}

/** The seed in `--seed N`, else a new one. */
export function chooseSeed(given: string | undefined): number {
  return given === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(given);
}
