import { setTimeout } from 'node:timers/promises';
import type { ByteStream, Pace } from '../content.ts';

/** Time that may be saved up: what is sent at once after a pause, in seconds. */
const BURST_SECONDS = 0.1;

/** The largest and the smallest piece that is let through at once, in bytes. */
const LARGEST_PIECE = 64 * 1024;
const SMALLEST_PIECE = 256;

/** The clock of a {@link RateLimit}. */
export interface RateClock {
  /** Milliseconds from any beginning. */
  readonly now: () => number;
  readonly sleep: (
    ms: number,
    options: { readonly signal?: AbortSignal | undefined },
  ) => Promise<unknown>;
}

const CLOCK: RateClock = {
  now: () => performance.now(),
  sleep: (ms, options) =>
    setTimeout(ms, undefined, options.signal ? { signal: options.signal } : {}),
};

/** A number of bytes per second that all streams together keep to. Each gets its turn in the order in which it asks. */
export class RateLimit implements Pace {
  readonly bytesPerSecond: number;
  readonly #bytesPerMs: number;
  readonly #pieceBytes: number;
  readonly #clock: RateClock;
  /** When all that was let through so far has had its time. */
  #paidUntil: number;

  /** @param bytesPerSecond more than 0 */
  constructor(bytesPerSecond: number, clock: RateClock = CLOCK) {
    this.bytesPerSecond = bytesPerSecond;
    this.#bytesPerMs = bytesPerSecond / 1000;
    const burst = Math.floor(bytesPerSecond * BURST_SECONDS);
    this.#pieceBytes = Math.min(LARGEST_PIECE, Math.max(SMALLEST_PIECE, burst));
    this.#clock = clock;
    this.#paidUntil = clock.now();
  }

  /**
   * Passes a stream on, no faster than the limit allows.
   * @throws what the stream throws, and the reason of `signal`
   */
  async *limit(
    stream: ByteStream,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const piece of stream) {
      for (let at = 0; at < piece.length; at += this.#pieceBytes) {
        const part = piece.subarray(at, at + this.#pieceBytes);
        await this.#take(part.length, signal);
        yield part;
      }
    }
  }

  took(bytes: number): void {
    const from = Math.max(this.#paidUntil, this.#clock.now() - BURST_SECONDS * 1000);
    this.#paidUntil = from + bytes / this.#bytesPerMs;
  }

  async #take(bytes: number, signal: AbortSignal | undefined): Promise<void> {
    this.took(bytes);
    const wait = this.#paidUntil - this.#clock.now();
    if (wait > 0) await this.#clock.sleep(wait, { signal });
    signal?.throwIfAborted();
  }
}
