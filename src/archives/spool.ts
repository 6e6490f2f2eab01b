import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { AbortOptions, ByteStream } from '../content.ts';
import { ioError } from '../host/io-error.ts';
import { currentOwner, ingestName } from '../host/owner.ts';

/** Options of {@link spool}. */
export interface SpoolOptions extends AbortOptions {
  /** Where the file is made. Made itself when it is missing. */
  readonly folder: string;
}

/**
 * Writes a stream to a new temporary file, so that any part of it can be read again. The caller removes
 * the file; there is none when this throws.
 * @returns the file's path
 * @throws FinchError `IO`; what `source` throws
 */
export async function spool(source: ByteStream, { folder, signal }: SpoolOptions): Promise<string> {
  // By the owner in its name the store can tell a file that a killed process left behind.
  const path = join(folder, ingestName(currentOwner()));
  try {
    await mkdir(folder, { recursive: true });
    const handle = await open(path, 'wx', 0o600);
    try {
      for await (const piece of source) {
        signal?.throwIfAborted();
        for (let done = 0; done < piece.length; ) {
          done += (await handle.write(piece, done)).bytesWritten;
        }
      }
    } finally {
      await handle.close();
    }
    return path;
  } catch (error) {
    await rm(path, { force: true });
    throw error instanceof Error && 'syscall' in error ? ioError(error, 'write', path) : error;
  }
}
