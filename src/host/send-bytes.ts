import { write } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AbortOptions, ByteStream } from '../content.ts';
import { FinchError, systemCode } from '../errors.ts';
import { ioError } from './io-error.ts';

/** Milliseconds to wait for a reader that is slow: a pipe that another program set to not block. */
const RETRY_MS = 2;

/**
 * Writes a stream to an open file, as fast as that takes it. Ends at once with the signal's reason when it fires, also
 * while nobody reads.
 * @param what names the file in messages
 * @throws FinchError `IO`, also when the reader of a pipe has gone; what the stream throws
 */
export async function sendBytes(
  fd: number,
  bytes: ByteStream,
  { what, signal }: AbortOptions & { readonly what: string },
): Promise<void> {
  const stopped = Promise.withResolvers<never>();
  // Whoever wrote nothing yet does not wait for it.
  stopped.promise.catch(() => {});
  const stop = () => stopped.reject(signal?.reason);
  signal?.addEventListener('abort', stop);
  try {
    for await (const piece of bytes) {
      signal?.throwIfAborted();
      await Promise.race([writePiece(fd, piece), stopped.promise]);
    }
  } catch (cause) {
    if (cause instanceof FinchError || systemCode(cause) === undefined) throw cause;
    if (systemCode(cause) !== 'EPIPE') throw ioError(cause, 'write', what);
    throw new FinchError('IO', `cannot write ${what}: nobody reads it any more`, {
      hint: 'see what the program that should read it says',
      cause,
    });
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

async function writePiece(fd: number, piece: Uint8Array): Promise<void> {
  for (let done = 0; done < piece.length; ) {
    try {
      done += await writeSome(fd, piece.subarray(done));
    } catch (error) {
      if (systemCode(error) !== 'EAGAIN') throw error;
      await sleep(RETRY_MS);
    }
  }
}

function writeSome(fd: number, bytes: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, (error, written) => (error ? reject(error) : resolve(written)));
  });
}
