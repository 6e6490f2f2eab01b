import type { ByteStream } from '../content.ts';
import type { Watchdog } from './watchdog.ts';

/** What a link takes at least in the time that it has for it: 1 KiB a second, where that is a minute. */
export const LEAST_BYTES = 60 * 1024;

/** What goes out at once at most: a larger part costs no less. */
const MOST_BYTES = 1024 * 1024;

/** A part that was taken within this many milliseconds is followed by a larger one. */
const SOON_MS = 200;

/** Options of {@link paced}. */
export interface Pace {
  /** Milliseconds for {@link LEAST_BYTES}. */
  readonly stallMs: number;
  /** Milliseconds for what comes after the last byte. */
  readonly endMs: number;
  readonly watchdog: Watchdog;
  /** Gets the error of a stream that broke. */
  readonly failed: unknown[];
}

/**
 * Passes a stream on in parts that a slow link takes in time, larger ones where the last was taken soon.
 * The watchdog fires when a part is not taken. Time that the stream takes for a piece does not count.
 */
export async function* paced(
  stream: ByteStream,
  { stallMs, endMs, watchdog, failed }: Pace,
): AsyncGenerator<Uint8Array, void, undefined> {
  let most = LEAST_BYTES;
  try {
    watchdog.rest();
    for await (const piece of stream) {
      for (let start = 0; start < piece.length; ) {
        const part = piece.subarray(start, start + most);
        const began = performance.now();
        watchdog.expect(stallMs);
        yield part;
        watchdog.rest();
        start += part.length;
        const wasSoon = performance.now() - began < SOON_MS;
        most = wasSoon ? Math.min(2 * most, MOST_BYTES) : LEAST_BYTES;
      }
    }
  } catch (error) {
    failed.push(error);
    throw error;
  }
  watchdog.expect(endMs);
}
