import { constants } from 'node:fs';
import { access, type FileHandle, open, readlink, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { AbortOptions, ByteStream } from '../content.ts';
import { FinchError, hasCode, systemCode } from '../errors.ts';
import { followLinks, stageFile, syncFolder } from './atomic-file.ts';
import { ACCESS_HINT, ioError } from './io-error.ts';
import { sendBytes } from './send-bytes.ts';

/** Symbolic links that lead from one to another. */
const MOST_LINKS = 40;

/** The highest of the descriptors that every program has: stdin, stdout, stderr. */
const LAST_STANDARD = 2;

/**
 * Writes a stream to the file that the user named for it, which appears whole, in place of one that was there, or not
 * at all. A device, a pipe or a file that is open already (`/dev/stdout`) is written to as it is. The folder must exist.
 * @throws FinchError `IO`; what the stream throws
 */
export async function writeOutput(
  path: string,
  bytes: ByteStream,
  { signal }: AbortOptions,
): Promise<void> {
  try {
    const descriptor = await openDescriptor(path);
    if (descriptor !== undefined && descriptor <= LAST_STANDARD) {
      // Opened by its name it would begin anew, over what is there.
      return await sendBytes(descriptor, bytes, { what: path, signal });
    }
    if (descriptor !== undefined || (await isSpecial(path))) {
      await using handle = await openToWrite(path, { signal });
      return await sendBytes(handle.fd, bytes, { what: path, signal });
    }
    await using staged = await stageFile(path, bytes, { keepsAccess: true });
    signal?.throwIfAborted();
    staged.publish();
    await syncFolder(dirname(staged.temporaryPath)).catch(() => {});
  } catch (error) {
    throw outputError(error, path);
  }
}

/**
 * Looks whether {@link writeOutput} can write there, as far as that can be seen without writing.
 * @throws FinchError `IO`
 */
export async function checkOutput(path: string): Promise<void> {
  try {
    if ((await openDescriptor(path)) !== undefined) return;
    // What follows the name of a folder must be in one.
    const isThere = await isSpecial(path);
    await access(isThere ? path : `${dirname(await followLinks(path))}/.`, constants.W_OK);
  } catch (error) {
    throw outputError(error, path);
  }
}

function outputError(error: unknown, path: string): unknown {
  if (error instanceof Error && systemCode(error) === undefined && !hasCode(error, 'IO'))
    return error;
  const { message, hint } = ioError(error, 'write', path);
  return new FinchError('IO', message, {
    ...(hint !== undefined && {
      hint: hint === ACCESS_HINT ? 'check the folder with: ls -ld, or name another file' : hint,
    }),
    cause: error,
  });
}

/**
 * The descriptor that a path such as `/dev/stdout` or `/dev/fd/3` means: something that is open, and of which the path
 * is no name that could be given to another file.
 */
async function openDescriptor(path: string): Promise<number | undefined> {
  try {
    let at = path;
    for (let links = 0; links < MOST_LINKS; links++) {
      at = join(await realpath(dirname(at)), basename(at));
      const descriptor = /^(?:\/dev|\/proc\/.+)\/fd\/(\d+)$/.exec(at)?.[1];
      if (descriptor !== undefined) return Number(descriptor);
      at = resolve(dirname(at), await readlink(at));
    }
  } catch {
    // It is no link, or not there: whoever writes to it sees that.
  }
  return undefined;
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
    return await Promise.race([open(path, 'a'), stopped.promise]);
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
