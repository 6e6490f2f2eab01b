import { chmod, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { AbortOptions } from '../content.ts';
import { holdFileLock, withFileLock } from '../host/file-lock.ts';
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
  return withFileLock(lockIn(path), work, { patienceMs: PATIENCE_MS, ...(signal && { signal }) });
}

/**
 * The lock of {@link underStartLock}, if nobody has it now. Undefined when somebody does.
 * @throws FinchError `IO`
 */
export function holdStartLock({ path }: MachineFolder): Promise<Disposable | undefined> {
  return holdFileLock(lockIn(path), { patienceMs: 0 });
}

function lockIn(folder: string): string {
  return join(folder, 'bridge-start.lock');
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
