import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { AbortOptions } from '../content.ts';
import { holdFileLock, withFileLock } from '../host/file-lock.ts';
import { ioError } from '../host/io-error.ts';
import { machineFolder } from '../vm/machine-folder.ts';

/** Options of {@link underMachineLock}. */
export interface MachineLockOptions extends AbortOptions {
  /** finch's own folder. */
  readonly home: string;
  /** Takes a line when another finch has to be waited for. */
  readonly report: (line: string) => void;
  /** Whether to go on after some seconds although another finch is about it, which may hang. Default: no. */
  readonly force?: boolean;
}

/** Longer than any machine takes to start: an hour. */
const PATIENCE_MS = 3_600_000;
const FORCE_MS = 3_000;

/**
 * Runs `work` while no other finch of this home starts, stops or removes its machine.
 * @throws FinchError `IO`; the signal's reason; what `work` throws
 */
export async function underMachineLock<T>(
  { home, report, force = false, ...abort }: MachineLockOptions,
  work: () => Promise<T>,
): Promise<T> {
  const { path } = machineFolder(home);
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw ioError(error, 'write', path);
  }
  const lock = join(path, 'machine.lock');
  const options = {
    ...{ ...abort, patienceMs: force ? FORCE_MS : PATIENCE_MS },
    onWait: () => report('waiting for another finch that starts or stops the virtual machine'),
  };
  if (!force) return withFileLock(lock, work, options);
  using _held = await holdFileLock(lock, options);
  return await work();
}
