import { renameSync, rmSync } from 'node:fs';
import type { AbortOptions } from '../content.ts';
import { FinchError, systemCode } from '../errors.ts';
import { ioError } from '../host/io-error.ts';
import { checkDatabase } from './database-check.ts';
import { damagedDatabase, REPAIR_HINT } from './database-error.ts';
import type { Inspection } from './image-store.ts';
import { fileKind, inodeOf, type Layout, layoutAt } from './layout.ts';
import { openDatabase } from './open-database.ts';
import { type OpenStoreOptions, openImageStore } from './open-store.ts';
import { restoreNames } from './restore-names.ts';

/** What {@link repairStore} did. */
export interface Repaired {
  /** Where the files are that could not be used, and in whose place there are new ones. */
  readonly setAside: readonly string[];
  /** What was found after that; its damages are forgotten now. */
  readonly inspection: Inspection;
}

/**
 * Makes the store at `path` usable: a damaged `meta.db` is set aside and made again from `index.json` and
 * the blobs, and content that is missing or damaged is forgotten, so that the next pull or load brings it
 * back. Intact images stay. Other processes that have the damaged file open fail at their next change.
 * @throws FinchError `STORE_UNUSABLE` when a newer finch made the store, `IO`
 */
export async function repairStore(
  path: string,
  { now = () => new Date(), signal }: OpenStoreOptions & AbortOptions = {},
): Promise<Repaired> {
  const layout = layoutAt(path);
  const suffix = `.damaged-${now()
    .toISOString()
    .replaceAll(/[-:]|\.\d+/g, '')}`;
  const index = setIndexAside(layout, suffix);
  const database = setDatabaseAside(layout, suffix);
  await using store = await openImageStore(path, { now });
  if (database !== undefined) await restoreNames(store, database);
  const inspection = await store.inspect({ signal });
  await store.forget(inspection.damages);
  // Also writes index.json where it could not be written.
  await store.changeNames({});
  return { setAside: [database, index].filter((aside) => aside !== undefined), inspection };
}

/** Moves away what is no file and has the name of `index.json`. */
function setIndexAside({ index }: Layout, suffix: string): string | undefined {
  if (fileKind(index) !== 'other') return undefined;
  rename(index, index + suffix);
  return index + suffix;
}

/** Moves the database away when it is damaged, unless another process did since it was looked at. */
function setDatabaseAside({ database }: Layout, suffix: string): string | undefined {
  const inode = inodeOf(database);
  if (inode === undefined || !isDamaged(database)) return undefined;
  if (inodeOf(database) !== inode) return undefined;
  // First what belongs to it: a new database would take it for its own.
  rename(`${database}-wal`, `${database}${suffix}-wal`);
  rmSync(`${database}-shm`, { force: true });
  rename(database, database + suffix);
  return database + suffix;
}

function isDamaged(path: string): boolean {
  try {
    if (fileKind(path) === 'other') throw damagedDatabase(path);
    using database = openDatabase(path);
    checkDatabase(database);
    return false;
  } catch (error) {
    if (error instanceof FinchError && error.hint === REPAIR_HINT) return true;
    throw error;
  }
}

function rename(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw ioError(error, 'write', from);
  }
}
