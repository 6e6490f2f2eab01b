import type { ByteStream } from '../content.ts';

/** How a {@link SharedRead} shares. */
export interface SharedReadOptions {
  /** Bytes that are kept for those who are behind. Default: 2 MiB. */
  readonly windowBytes?: number | undefined;
  /** Milliseconds that those in front wait for those behind, all together. Default: 1000. */
  readonly patienceMs?: number | undefined;
}

/** One who reads. */
interface Reader {
  position: number;
  /** It fell so far behind that the others went on. */
  isLeft: boolean;
}

/**
 * One run through bytes that several read at once. It keeps the last bytes, so they need not read in step.
 * Who is further behind than that is waited for, but not for ever: then it is left to itself.
 */
export class SharedRead {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #windowBytes: number;
  readonly #readers = new Set<Reader>();
  /** Pieces without gaps, up to `#end`. */
  readonly #pieces: Uint8Array[] = [];
  #first: number;
  #end: number;
  #patienceMs: number;
  #state:
    | { readonly kind: 'open' | 'ended' }
    | { readonly kind: 'failed'; readonly error: unknown };
  #pulling: Promise<void> | undefined;
  #moved = Promise.withResolvers<void>();

  /** @param source the bytes from `start` on */
  constructor(
    source: ByteStream,
    start: number,
    { windowBytes = 2 * 1024 * 1024, patienceMs = 1000 }: SharedReadOptions = {},
  ) {
    this.#source = source[Symbol.asyncIterator]();
    this.#windowBytes = windowBytes;
    this.#patienceMs = patienceMs;
    this.#first = start;
    this.#end = start;
    this.#state = { kind: 'open' };
  }

  /** Whether somebody can begin to read at `position`. */
  covers(position: number): boolean {
    return this.#state.kind === 'open' && position >= this.#first && position <= this.#end;
  }

  /** Whether nobody reads. The source is let go of then. */
  get isIdle(): boolean {
    return this.#readers.size === 0;
  }

  /**
   * The bytes from `position` on. Ends with the source, or as soon as the others went on without this reader.
   * @throws what the source throws
   */
  async *read(position: number): AsyncGenerator<Uint8Array, void, undefined> {
    const reader: Reader = { position, isLeft: false };
    this.#readers.add(reader);
    try {
      while (!reader.isLeft) {
        const piece = this.#pieceAt(reader.position);
        if (piece !== undefined) {
          reader.position += piece.length;
          yield piece;
          // Only now is it used up.
          this.#advanced();
          continue;
        }
        if (this.#state.kind === 'failed') throw this.#state.error;
        if (this.#state.kind === 'ended') return;
        this.#pulling ??= this.#pull().finally(() => {
          this.#pulling = undefined;
        });
        await this.#pulling;
      }
    } finally {
      this.#readers.delete(reader);
      this.#advanced();
      if (this.isIdle) await this.#close();
    }
  }

  #pieceAt(position: number): Uint8Array | undefined {
    let start = this.#first;
    for (const piece of this.#pieces) {
      const end = start + piece.length;
      if (position < end) return piece.subarray(position - start);
      start = end;
    }
    return undefined;
  }

  #advanced(): void {
    this.#moved.resolve();
    this.#moved = Promise.withResolvers();
  }

  /** Reads one piece more. */
  async #pull(): Promise<void> {
    await this.#makeRoom();
    if (this.#state.kind !== 'open') return;
    try {
      const { done, value } = await this.#source.next();
      if (done === true) {
        this.#state = { kind: 'ended' };
        return;
      }
      // The maker of a piece may use it again.
      this.#pieces.push(value.slice());
      this.#end += value.length;
    } catch (error) {
      this.#state = { kind: 'failed', error };
    }
  }

  /** Forgets pieces until the window has room; those who still need one are waited for, then left. */
  async #makeRoom(): Promise<void> {
    while (this.#end - this.#first > this.#windowBytes) {
      const next = this.#first + (this.#pieces[0]?.length ?? 0);
      const behind = [...this.#readers].filter(({ position }) => position < next);
      if (behind.length > 0 && this.#patienceMs > 0) {
        await this.#wait();
        continue;
      }
      for (const reader of behind) reader.isLeft = true;
      this.#pieces.shift();
      this.#first = next;
    }
  }

  async #wait(): Promise<void> {
    const began = performance.now();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, this.#patienceMs);
    await Promise.race([promise, this.#moved.promise]);
    clearTimeout(timer);
    this.#patienceMs -= performance.now() - began;
  }

  async #close(): Promise<void> {
    this.#state = { kind: 'ended' };
    this.#pieces.length = 0;
    await this.#source.return?.();
  }
}
