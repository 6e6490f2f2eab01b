import { join } from 'node:path';
import type { AwsSurroundings } from '../surroundings.ts';

/** So many locks there are: enough that two registries seldom share one, and few files. */
const LOCKS = 64n;

/** How long a lock is waited for, in milliseconds. */
interface LockOptions {
  readonly patienceMs: number;
}

/**
 * Runs `work` while no other finch of this user runs the work of that name. Where no lock can be had, at all
 * or in that time, it is run all the same.
 * @throws what `work` throws
 */
export async function underLock<T>(
  name: string,
  work: () => Promise<T>,
  { home, trace, patienceMs }: Pick<AwsSurroundings, 'home' | 'trace'> & LockOptions,
): Promise<T> {
  if (home === undefined) return await work();
  let result: Promise<T> | undefined;
  try {
    const folder = join(home, 'ecr-locks');
    const { makeFolder } = await import('./private-file.ts');
    await makeFolder(folder);
    const { withFileLock } = await import('../../host/file-lock.ts');
    const begin = () => {
      result = work();
      return result;
    };
    return await withFileLock(join(folder, lockOf(name)), begin, { patienceMs });
  } catch (error) {
    if (result === undefined) trace(`aws: going on without a lock: ${String(error)}`);
    return await (result ?? work());
  }
}

function lockOf(name: string): string {
  return `${Bun.hash.wyhash(name) % LOCKS}.lock`;
}
