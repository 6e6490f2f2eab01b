import { join } from 'node:path';
import type { AwsSurroundings } from '../surroundings.ts';

/** So many locks there are: enough that two registries seldom share one, and few files. */
const LOCKS = 64n;

/**
 * Runs `work` while no other finch of this user runs the work of that name. Where no lock can be had, at all
 * or in ten seconds, it is run all the same.
 * @throws what `work` throws
 */
export async function underLock<T>(
  name: string,
  work: () => Promise<T>,
  { home, trace }: Pick<AwsSurroundings, 'home' | 'trace'>,
): Promise<T> {
  if (home === undefined) return await work();
  let result: Promise<T> | undefined;
  try {
    const folder = join(home, 'ecr-locks');
    const { makeFolder } = await import('./private-file.ts');
    await makeFolder(folder);
    const { withFileLock } = await import('../../host/file-lock.ts');
    return await withFileLock(join(folder, lockOf(name)), () => {
      result = work();
      return result;
    });
  } catch (error) {
    if (result === undefined) trace(`aws: going on without a lock: ${String(error)}`);
    return await (result ?? work());
  }
}

function lockOf(name: string): string {
  return `${Bun.hash.wyhash(name) % LOCKS}.lock`;
}
