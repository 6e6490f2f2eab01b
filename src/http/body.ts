import type { AbortOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import { transportError } from './failure.ts';
import { Watchdog } from './watchdog.ts';

/** How long a server may stay silent in the middle of a body. */
const STALL_MS = 60_000;

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
 * @throws FinchError `NETWORK` when the connection breaks or falls silent for a minute, `CANCELLED`
 */
export async function* readBody(
  response: BodySource,
  { signal }: AbortOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  using watchdog = new Watchdog();
  const stop = signal ? AbortSignal.any([signal, watchdog.signal]) : watchdog.signal;
  // A pending read ends when its stream is cancelled. Not awaited: a broken connection may never confirm.
  const onStop = () => void reader.cancel(stop.reason).catch(() => {});
  stop.addEventListener('abort', onStop);
  try {
    for (;;) {
      stop.throwIfAborted();
      watchdog.expect(STALL_MS);
      const { done, value } = await reader.read();
      stop.throwIfAborted();
      if (done) return;
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
  { limit, signal }: AbortOptions & { limit: number },
): Promise<Uint8Array> {
  const { bytes, whole } = await readStart(response, { limit, signal });
  if (whole) return bytes;
  throw new FinchError('REGISTRY', `${hostOf(response)} sent more than ${limit} bytes`);
}

/** The first `limit` bytes of an answer, and whether that is all of it. The rest is not read. */
export async function readStart(
  response: BodySource,
  { limit, signal }: AbortOptions & { limit: number },
): Promise<{ readonly bytes: Uint8Array; readonly whole: boolean }> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of readBody(response, { signal })) {
    pieces.push(piece);
    length += piece.length;
    if (length > limit) return { bytes: Buffer.concat(pieces).subarray(0, limit), whole: false };
  }
  return { bytes: Buffer.concat(pieces), whole: true };
}

/** Lets go of an answer whose body nobody wants, keeping the connection when little is left of it. */
export async function discardBody(response: BodySource): Promise<void> {
  await readStart(response, { limit: 64 * 1024 }).catch(() => {});
}
