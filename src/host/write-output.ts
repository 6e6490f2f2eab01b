import { type FileHandle, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { AbortOptions, ByteStream } from '../content.ts';
import { FinchError, hasCode, systemCode } from '../errors.ts';
import { stageFile, syncFolder } from './atomic-file.ts';
import { ACCESS_HINT, ioError } from './io-error.ts';
import { sendBytes } from './send-bytes.ts';

/**
 * Writes a stream to the file that the user named for it, which appears whole, in place of one that was there, or not
 * at all. A device or a pipe is written to as it is. The folder must exist.
 * @throws FinchError `IO`; what the stream throws
 */
export async function writeOutput(
  path: string,
  bytes: ByteStream,
  { signal }: AbortOptions,
): Promise<void> {
  try {
    if (await isSpecial(path)) {
      await using handle = await openToWrite(path, { signal });
      await sendBytes(handle.fd, bytes, { what: path, signal });
      return;
    }
    await using staged = await stageFile(path, bytes, { keepsAccess: true });
    signal?.throwIfAborted();
    staged.publish();
    await syncFolder(dirname(staged.temporaryPath)).catch(() => {});
  } catch (error) {
    if (error instanceof Error && systemCode(error) === undefined && !hasCode(error, 'IO'))
      throw error;
    const { message, hint } = ioError(error, 'write', path);
    throw new FinchError('IO', message, {
      ...(hint !== undefined && {
        hint: hint === ACCESS_HINT ? 'check the folder with: ls -ld, or name another file' : hint,
      }),
      cause: error,
    });
  }
}

/**
 * A pipe opens when somebody reads it, which may be never.
 * @throws the system's error; the signal's reason
 */
async function openToWrite(path: string, { signal }: AbortOptions): Promise<FileHandle> {
  signal?.throwIfAborted();
  const stopped = Promise.withResolvers<never>();
  const stop = () => stopped.reject(signal?.reason);
  signal?.addEventListener('abort', stop);
  try {
    return await Promise.race([open(path, 'w'), stopped.promise]);
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/** @throws the system's error */
async function isSpecial(path: string): Promise<boolean> {
  try {
    const stats = await stat(path);
    if (stats.isDirectory()) throw Object.assign(new Error('a folder'), { code: 'EISDIR' });
    return !stats.isFile();
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}
