import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ioError } from '../../host/io-error.ts';

/** How a machine that is being made is told from one that is there. */
export interface MakingOptions {
  /** The folder of finch's files about the machine. */
  readonly folder: string;
  /** Removes what there is of the machine. Waits for nobody, and listens to no signal. */
  readonly undo: () => Promise<void>;
}

/** Is there from the beginning to the end of the making, and is left by a process that was killed meanwhile. */
function markIn(folder: string): string {
  return join(folder, 'making');
}

/** Whether a machine is being made, or was when its finch was killed: there is none to speak of. */
export function isUnfinished(folder: string): boolean {
  return existsSync(markIn(folder));
}

/**
 * Runs `work`, which makes a machine, under the lock of the machine. What it has made by then is removed when it
 * fails or is interrupted, and by the next making when this process is killed.
 * @throws FinchError `IO`; what `work` and `undo` throw
 */
export async function whileMaking<T>(
  { folder, undo }: MakingOptions,
  work: () => Promise<T>,
): Promise<T> {
  const mark = markIn(folder);
  const refused = (error: unknown) => {
    throw ioError(error, 'write', mark);
  };
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch(refused);
  if (isUnfinished(folder)) await undo();
  await writeFile(mark, '').catch(refused);
  try {
    const made = await work();
    await forgetUnfinished(folder);
    return made;
  } catch (error) {
    await undo();
    await forgetUnfinished(folder);
    throw error;
  }
}

/** After what there was of the machine is gone. */
export async function forgetUnfinished(folder: string): Promise<void> {
  await rm(markIn(folder), { force: true });
}
