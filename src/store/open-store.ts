import { hasCode, systemCode } from '../errors.ts';
import { currentOwner } from '../host/owner.ts';
import type { StoreContext } from './context.ts';
import type { StoreDatabase } from './database.ts';
import { damagedDatabase, isUnwritable } from './database-error.ts';
import { DiskStore } from './disk-store.ts';
import { FolderSync } from './folder-sync.ts';
import { refreshIndex, takeForeignNames } from './foreign-names.ts';
import type { ImageStore } from './image-store.ts';
import { isBehind } from './index-file.ts';
import { createLayout, fileKind, fileSize, type Layout, layoutAt } from './layout.ts';
import { Leases } from './leases.ts';
import { removeLeftovers } from './leftovers.ts';
import { emptyDatabase, openDatabase } from './open-database.ts';
import { keepReserve } from './reserve.ts';
import { SharedWork } from './shared-work.ts';

/** Options of {@link openImageStore}. */
export interface OpenStoreOptions {
  /** The clock. Default: the machine's. */
  readonly now?: () => Date;
}

/**
 * Opens the store in the folder `path`, and makes it when there is none. Where it cannot be written to, it
 * can still be read, as an empty one if it does not exist; then everything that changes it throws `IO`.
 * @throws FinchError `STORE_UNUSABLE` when a newer finch made it or it is damaged, `IO`
 */
export async function openImageStore(
  path: string,
  { now = () => new Date() }: OpenStoreOptions = {},
): Promise<ImageStore> {
  const layout = layoutAt(path);
  const kind = fileKind(layout.database);
  if (kind === 'other') throw damagedDatabase(layout.database);
  const isNew = kind === 'none';
  const database = isNew ? await createDatabase(layout) : openDatabase(layout.database);
  try {
    const leases = new Leases(database);
    const store: StoreContext = {
      ...{ layout, database, leases, now },
      folders: new FolderSync(),
      checks: new SharedWork(),
      owner: currentOwner(),
    };
    const prepare = async (work: (store: StoreContext) => Promise<unknown>) => {
      if (database.writable) await work(store).catch(reportAtNextChange);
    };
    if (fileSize(layout.marker) === undefined) await prepare(() => createLayout(layout));
    await prepare(isNew ? refreshIndex : takeForeignNames);
    if (!isNew) await prepare(async () => isBehind(store) && refreshIndex(store));
    await prepare(removeLeftovers);
    if (database.writable) keepReserve(layout.root);
    return new DiskStore(store);
  } catch (error) {
    database[Symbol.dispose]();
    throw error;
  }
}

/** A full disk is no reason not to read: whoever changes something meets the error again. */
function reportAtNextChange(error: unknown): void {
  if (!hasCode(error, 'IO')) throw error;
}

async function createDatabase(layout: Layout): Promise<StoreDatabase> {
  try {
    await createLayout(layout);
    return openDatabase(layout.database);
  } catch (error) {
    const code = hasCode(error, 'IO') ? systemCode(error.cause) : undefined;
    const isRefused = code === 'EACCES' || code === 'EPERM' || code === 'EROFS';
    if (isRefused || isUnwritable(error)) return emptyDatabase(layout.database);
    throw error;
  }
}
