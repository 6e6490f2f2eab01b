import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { AbortOptions } from '../content.ts';
import { withFileLock } from '../host/file-lock.ts';
import { ioError } from '../host/io-error.ts';
import { machineFolder } from '../vm/machine-folder.ts';

/** Options of {@link underMachineLock}. */
export interface MachineLockOptions extends AbortOptions {
  /** finch's own folder. */
  readonly home: string;
  /** Takes a line when another finch has to be waited for. */
  readonly report: (line: string) => void;
}

/** Longer than any machine takes to start: an hour. */
const PATIENCE_MS = 3_600_000;

/**
 * Runs `work` while no other finch of this home starts, stops or removes its machine.
 * @throws FinchError `IO`; the signal's reason; what `work` throws
 */
export async function underMachineLock<T>(
  { home, report, ...abort }: MachineLockOptions,
  work: () => Promise<T>,
): Promise<T> {
  const { path } = machineFolder(home);
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw ioError(error, 'write', path);
  }
  return withFileLock(join(path, 'machine.lock'), work, {
    ...{ ...abort, patienceMs: PATIENCE_MS },
    onWait: () => report('waiting for another finch that starts or stops the virtual machine'),
  });
}
