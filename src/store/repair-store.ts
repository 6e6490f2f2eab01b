import { accessSync, constants, renameSync, rmSync } from 'node:fs';
import type { AbortOptions } from '../content.ts';
import { FinchError, systemCode } from '../errors.ts';
import { withFileLock } from '../host/file-lock.ts';
import { ioError } from '../host/io-error.ts';
import type { Digest } from '../oci/digest.ts';
import { checkDatabase } from './database-check.ts';
import { REPAIR_HINT } from './database-error.ts';
import type { Inspection } from './image-store.ts';
import { createLayout, fileKind, type Layout, layoutAt } from './layout.ts';
import { openDatabase } from './open-database.ts';
import { type OpenStoreOptions, openImageStore } from './open-store.ts';
import { showNames, spareNames } from './restore-names.ts';

/** What {@link repairStore} did. */
export interface Repaired {
  /** Where the files are that could not be used, and in whose place there are new ones. */
  readonly setAside: readonly string[];
  /** Names that were given again, also to images of which nothing says what they were called. */
  readonly restored: readonly string[];
  /** What was found after that; its damages are forgotten now. */
  readonly inspection: Inspection;
}

/**
 * Makes the store at `path` usable: a damaged `meta.db` is set aside and made again from what can be read
 * of it, `index.json` and the blobs, and content that is missing or damaged is forgotten, so that the next
 * pull or load brings it back. Intact images stay, and have a name. Other processes that have the damaged
 * file open fail at their next change.
 * @throws FinchError `STORE_UNUSABLE` when a newer finch made the store, `IO`
 */
export async function repairStore(
  path: string,
  { now = () => new Date(), signal }: OpenStoreOptions & AbortOptions = {},
): Promise<Repaired> {
  const layout = layoutAt(path);
  await createLayout(layout);
  const time = now()
    .toISOString()
    .replaceAll(/[-:]|\.\d+/g, '');
  requireWritable(layout.root);
  const { index, database, shown } = await withFileLock(layout.repairLock, async () => {
    const suffix = freeSuffix(layout, `.damaged-${time}`);
    const index = setIndexAside(layout, suffix);
    if (!isDamaged(layout.database)) return { index, shown: [] };
    // First of all: from now on index.json tells what the database did.
    const shown = await showNames(layout, { damaged: layout.database });
    return { index, shown, database: setDatabaseAside(layout, suffix) };
  });
  await using store = await openImageStore(path, { now });
  const added = [...shown, ...(await showUnknown(layout))];
  // Takes them over.
  await store.changeNames({});
  await store.changeNames({ remove: spareNames(store) });
  const restored = added.filter((name) => store.name(name) !== undefined);
  const inspection = await store.inspect({ signal });
  await store.forget(inspection.damages);
  // Also writes index.json where it could not be written.
  await store.changeNames({});
  const setAside = [database, index].filter((aside) => aside !== undefined);
  return { setAside, restored, inspection };
}

/**
 * Shows what is here when the database is new, because somebody removed or emptied the one that there was.
 * One that knows any blob knows all that count: what it has no record of is what a killed process left, and
 * what others are just writing is under a lease of theirs.
 */
async function showUnknown(layout: Layout): Promise<readonly string[]> {
  using database = openDatabase(layout.database);
  if (database.get('SELECT 1 FROM blobs') !== undefined) return [];
  const isKnown = (digest: Digest) =>
    database.get('SELECT 1 FROM lease_blobs WHERE digest = ?', digest) !== undefined;
  return await showNames(layout, { isKnown });
}

function requireWritable(folder: string): void {
  try {
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw ioError(error, 'write', folder);
  }
}

/** An end for names that no file has yet: what was set aside before is not overwritten. */
function freeSuffix({ index, database }: Layout, suffix: string): string {
  const isTaken = (end: string) =>
    [index, database, `${database}-wal`].some((file) => fileKind(file + end) !== 'none');
  for (let count = 1; ; count++) {
    const end = count === 1 ? suffix : `${suffix}-${count}`;
    if (!isTaken(end)) return end;
  }
}

/** Moves away what is no file and has the name of `index.json`. */
function setIndexAside({ index }: Layout, suffix: string): string | undefined {
  if (fileKind(index) !== 'other') return undefined;
  rename(index, index + suffix);
  return index + suffix;
}

/** Moves the database away. Under a lock, or another process could have put a sound one there meanwhile. */
function setDatabaseAside({ database }: Layout, suffix: string): string {
  // First what belongs to it: a new database would take it for its own.
  rename(`${database}-wal`, `${database}${suffix}-wal`);
  rmSync(`${database}-shm`, { force: true });
  rename(database, database + suffix);
  return database + suffix;
}

function isDamaged(path: string): boolean {
  const kind = fileKind(path);
  if (kind !== 'file') return kind === 'other';
  try {
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
