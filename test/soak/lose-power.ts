import { open, readdir, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { Random } from './random.ts';

/** Of the numbers in `meta.db-shm`: how many frames of the log may already have gone into the database. */
const ATTEMPTED_OFFSET = 128;
const LOG_HEADER_BYTES = 32;
const FRAME_BYTES = 24 + 4096;

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
      const kept = file === 'meta.db-wal' ? Math.min(size, await syncedLog(store)) : 0;
      await truncate(path, kept + random.below(size - kept + 1));
    }
  }
  await rm(join(store, 'meta.db-shm'), { force: true });
}

/**
 * Bytes of the log that are on the disk: SQLite waits for them before it begins to copy them into the
 * database, whose pages would make no sense without the rest.
 * https://sqlite.org/walformat.html#the_wal_index_header
 */
async function syncedLog(store: string): Promise<number> {
  try {
    await using file = await open(join(store, 'meta.db-shm'));
    const number = new Uint32Array(1);
    await file.read(number, 0, 4, ATTEMPTED_OFFSET);
    const [frames = 0] = number;
    return frames === 0 ? 0 : LOG_HEADER_BYTES + frames * FRAME_BYTES;
  } catch {
    return 0;
  }
}
