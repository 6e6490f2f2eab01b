import { readdir, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { Random } from './random.ts';

/**
 * Takes from a home, in which nothing runs any more, what a power cut at that moment could take besides:
 * an end of SQLite's log of any length, its index of the log, and the ends of files that were still being
 * written. As if nothing but what finch waited for in order to go on had reached the disk; so only right
 * where nothing was removed.
 */
export async function losePower(home: string, random: Random): Promise<void> {
  const store = join(home, 'store');
  for (const file of await readdir(store, { recursive: true })) {
    const path = join(store, file);
    if (/^ingest\/|^uploads\/|^\.finch-|^meta\.db-wal$/.test(file)) {
      const { size } = await stat(path);
      await truncate(path, random.below(size + 1));
    }
  }
  await rm(join(store, 'meta.db-shm'), { force: true });
}
