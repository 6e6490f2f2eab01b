import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TEMPORARY_PREFIX } from '../host/atomic-file.ts';
import { ioError } from '../host/io-error.ts';
import type { StoreContext } from './context.ts';
import { isOlder, listFolder } from './layout.ts';
import { ingestOwner, ownerState } from './owner.ts';

/** After this time what a process holds counts as left behind when the process cannot be seen from here. */
const UNSEEN_OWNER_MS = 24 * 60 * 60 * 1000;
/** After this time the temporary file of a short write counts as left behind. */
const TEMPORARY_MS = 60 * 60 * 1000;

/**
 * Removes what killed processes left: their leases, half-received content and uploads, freed and temporary files.
 * @throws FinchError `IO`
 */
export async function removeLeftovers(store: StoreContext): Promise<void> {
  const { layout } = store;
  const now = store.now().getTime();
  dropDeadLeases(store, now - UNSEEN_OWNER_MS);
  for (const folder of [layout.ingest, layout.uploads]) {
    for (const file of listFolder(folder)) {
      const path = join(folder, file);
      const state = ownerState(ingestOwner(file));
      const isUnseen = state === 'unknown' && isOlder(path, now - UNSEEN_OWNER_MS);
      if (state === 'dead' || isUnseen) await remove(path);
    }
  }
  for (const file of listFolder(layout.trash)) {
    // Its owner puts a blob back when it cannot note that it freed it.
    if (ownerState(ingestOwner(file)) !== 'alive') await remove(join(layout.trash, file));
  }
  for (const file of listFolder(layout.root)) {
    const path = join(layout.root, file);
    if (file.startsWith(TEMPORARY_PREFIX) && isOlder(path, now - TEMPORARY_MS)) await remove(path);
  }
}

/** Ends the leases of processes that are gone, and those from before `unseenBefore` of processes that cannot be seen. */
function dropDeadLeases({ database }: StoreContext, unseenBefore: number): void {
  const rows = database.all<{ id: string; owner: string; createdAt: number }>(
    'SELECT id, owner, created_at AS createdAt FROM leases',
  );
  const states = new Map(rows.map(({ owner }) => [owner, ownerState(owner)]));
  const dead = rows.filter(({ owner, createdAt }) => {
    const state = states.get(owner);
    return state === 'dead' || (state === 'unknown' && createdAt < unseenBefore);
  });
  if (dead.length === 0) return;
  database.transaction(() => {
    for (const { id } of dead) database.run('DELETE FROM leases WHERE id = ?', id);
  });
}

async function remove(path: string): Promise<void> {
  try {
    await rm(path, { force: true, recursive: true });
  } catch (error) {
    throw ioError(error, 'write', path);
  }
}
