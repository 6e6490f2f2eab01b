import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FinchError } from '../../errors.ts';
import { holdFileLock } from '../../host/file-lock.ts';
import { ioError } from '../../host/io-error.ts';

/** How a machine that is being made is told from one that is there. */
export interface MakingOptions {
  /** The folder of finch's files about the machine. */
  readonly folder: string;
  /** Removes what there is of the machine. Waits for nobody, and listens to no signal. */
  readonly undo: () => Promise<void>;
}

/** Is there from the beginning to the end of the making, and is left by a process that was killed meanwhile. */
const MARK = 'making';
const LOCK = 'making.lock';

/**
 * Runs `work`, which makes a machine. What it has made by then is removed when it fails or is interrupted, and by
 * {@link undoUnfinished} of the next command when this process is killed.
 * @throws FinchError `VM` when another finch is making one; `IO`; what `work` throws
 */
export async function whileMaking<T>(
  { folder, undo }: MakingOptions,
  work: () => Promise<T>,
): Promise<T> {
  const mark = join(folder, MARK);
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw ioError(error, 'write', folder);
  });
  using lock = await holdFileLock(join(folder, LOCK), { patienceMs: 0 });
  if (lock === undefined) {
    throw new FinchError('VM', 'another finch is making the virtual machine', {
      hint: 'wait until it is done, and see: finch vm status',
    });
  }
  try {
    if (existsSync(mark)) await undo();
    await writeFile(mark, '');
  } catch (error) {
    throw ioError(error, 'write', mark);
  }
  try {
    const made = await work();
    await rm(mark, { force: true });
    return made;
  } catch (error) {
    await undo();
    await rm(mark, { force: true });
    throw error;
  }
}

/**
 * Removes the machine that a killed process was making.
 * @returns `making` when another process is about it: there is no machine to speak of yet
 * @throws FinchError `IO`, `VM`
 */
export async function undoUnfinished({ folder, undo }: MakingOptions): Promise<'making' | 'done'> {
  const mark = join(folder, MARK);
  if (!existsSync(mark)) return 'done';
  using lock = await holdFileLock(join(folder, LOCK), { patienceMs: 0 });
  if (lock === undefined) return 'making';
  // It may have been finished while the lock was taken.
  if (existsSync(mark)) {
    await undo();
    await rm(mark, { force: true });
  }
  return 'done';
}
