import type { Mutator } from './mutate-bytes.ts';

/** One parser, or a few of a kind, under test. */
export interface Target {
  readonly name: string;
  /** How many inputs it gets, beside those of the others. */
  readonly share: number;
  /** The most bytes of one input. Default: 64 KiB. */
  readonly maxBytes?: number;
  /** Words that mean something to the parser. */
  readonly words?: readonly string[];
  /** Mutators that know the format; used as often as the one that does not. */
  readonly mutators?: readonly Mutator[];
  /** Makes what the runs need. */
  open(): Promise<OpenTarget>;
}

/** A {@link Target} that is ready. */
export interface OpenTarget extends AsyncDisposable {
  /** Inputs to begin with, most of them good. */
  readonly seeds: readonly Uint8Array[];
  /**
   * Parses one input. A clean error is thrown on; anything that breaks a promise is thrown as another.
   */
  run(input: Uint8Array): unknown;
}

/** A target that parses in memory and needs nothing else. */
export function pureTarget(
  options: Omit<Target, 'open'> & {
    readonly seeds: readonly (Uint8Array | string)[];
    readonly run: (input: Uint8Array) => unknown;
  },
): Target {
  const { seeds, run, ...rest } = options;
  return {
    ...rest,
    open: async () => ({
      seeds: seeds.map(toBytes),
      run,
      [Symbol.asyncDispose]: async () => {},
    }),
  };
}

/** As {@link pureTarget}, for parsers of text. */
export function textTarget(
  options: Omit<Target, 'open'> & {
    readonly seeds: readonly string[];
    readonly run: (input: string) => unknown;
  },
): Target {
  return pureTarget({ ...options, run: (input) => options.run(textOf(input)) });
}

/** Bytes as text; what is no UTF-8 is replaced. */
export function textOf(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

function toBytes(seed: Uint8Array | string): Uint8Array {
  return typeof seed === 'string' ? new TextEncoder().encode(seed) : seed;
}
