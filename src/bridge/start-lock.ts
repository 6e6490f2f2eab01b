import { chmod, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { AbortOptions } from '../content.ts';
import { withFileLock } from '../host/file-lock.ts';
import { ioError } from '../host/io-error.ts';
import type { MachineFolder } from '../vm/machine-folder.ts';

/** Longer than it takes to end one bridge and to start another. */
const PATIENCE_MS = 30_000;

/**
 * Runs `work` while no other finch starts or ends the bridge. Makes the folder.
 * @throws FinchError `IO`; the signal's reason; what `work` throws
 */
export async function underStartLock<T>(
  { path }: MachineFolder,
  work: () => Promise<T>,
  { signal }: AbortOptions = {},
): Promise<T> {
  await makePrivateFolder(path);
  const lock = join(path, 'bridge-start.lock');
  return withFileLock(lock, work, { patienceMs: PATIENCE_MS, ...(signal && { signal }) });
}

/**
 * Makes a folder that is this user's alone, or makes it so.
 * @throws FinchError `IO`
 */
export async function makePrivateFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    if (((await stat(path)).mode & 0o077) !== 0) await chmod(path, 0o700);
  } catch (error) {
    throw ioError(error, 'write', path);
  }
}
