import type { AbortOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import { ASK_WHO_RUNS_IT, transportError } from './failure.ts';
import { Watchdog } from './watchdog.ts';

/** How long a server may take for {@link LEAST_BYTES} of a body, or for the rest of it. */
const STALL_MS = 60_000;

/** What comes slower than this in {@link STALL_MS} counts as silence: a byte now and then would never end. */
const LEAST_BYTES = 4096;

/** How long the rest of an answer that nobody wants may take; a new connection takes less. */
const DISCARD_MS = 1000;

/** Options of reading a body. */
export interface BodyOptions extends AbortOptions {
  /** How long the server may take for 4 KiB of it, in milliseconds. Default: a minute. */
  readonly stallMs?: number;
}

/** The part of an answer that its body is read from. */
export type BodySource = Pick<Response, 'url'> & {
  readonly body: ReadableStream<Uint8Array> | null;
};

/** The host of an answer, as messages name it. */
function hostOf(response: BodySource): string {
  return URL.canParse(response.url) ? new URL(response.url).host : 'the server';
}

/**
 * The bytes of an answer, as they come. Leaving it early closes the connection.
 * @throws FinchError `NETWORK` when the connection breaks, falls silent or brings less than 4 KiB in a
 * minute, `CANCELLED`. Time that the reader takes for a piece does not count.
 */
export async function* readBody(
  response: BodySource,
  { signal, stallMs = STALL_MS }: BodyOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  using watchdog = new Watchdog();
  const stop = signal ? AbortSignal.any([signal, watchdog.signal]) : watchdog.signal;
  // A pending read ends when its stream is cancelled. Not awaited: a broken connection may never confirm.
  const onStop = () => void reader.cancel(stop.reason).catch(() => {});
  stop.addEventListener('abort', onStop);
  try {
    let missing = 0;
    let patience = 0;
    for (;;) {
      stop.throwIfAborted();
      if (missing <= 0) [missing, patience] = [LEAST_BYTES, stallMs];
      const asked = performance.now();
      watchdog.expect(patience);
      const { done, value } = await reader.read();
      watchdog.rest();
      stop.throwIfAborted();
      if (done) return;
      patience -= performance.now() - asked;
      missing -= value.length;
      yield value;
    }
  } catch (error) {
    throw transportError(error, { host: hostOf(response), signal });
  } finally {
    stop.removeEventListener('abort', onStop);
    onStop();
  }
}

/**
 * The whole body of an answer that should be small.
 * @throws FinchError `REGISTRY` when it has more than `limit` bytes
 */
export async function readWhole(
  response: BodySource,
  { limit, ...options }: BodyOptions & { limit: number },
): Promise<Uint8Array> {
  const { bytes, whole } = await readStart(response, { limit, ...options });
  if (whole) return bytes;
  throw new FinchError('REGISTRY', `${hostOf(response)} sent more than ${limit} bytes`, {
    hint: ASK_WHO_RUNS_IT,
  });
}

/** The first `limit` bytes of an answer, and whether that is all of it. The rest is not read. */
export async function readStart(
  response: BodySource,
  { limit, ...options }: BodyOptions & { limit: number },
): Promise<{ readonly bytes: Uint8Array; readonly whole: boolean }> {
  // One buffer: of a list of pieces each might be a single byte.
  const sink = new Bun.ArrayBufferSink();
  sink.start({ asUint8Array: true });
  let length = 0;
  for await (const piece of readBody(response, options)) {
    sink.write(piece);
    length += piece.length;
    if (length > limit) break;
  }
  const bytes = new Uint8Array(sink.end());
  return { bytes: bytes.subarray(0, limit), whole: length <= limit };
}

/** Lets go of an answer whose body nobody wants, keeping the connection when little is left of it. */
export async function discardBody(
  response: BodySource & Pick<Response, 'headers'>,
  { stallMs = DISCARD_MS }: Pick<BodyOptions, 'stallMs'> = {},
): Promise<void> {
  if (response.headers.get('content-length') === '0') return;
  await readStart(response, { limit: 64 * 1024, stallMs }).catch(() => {});
}
