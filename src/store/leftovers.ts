import { join } from 'node:path';
import { TEMPORARY_PREFIX } from '../host/atomic-file.ts';
import { ingestOwner, ownerState, UNSEEN_OWNER_MS } from '../host/owner.ts';
import { remove } from '../host/remove.ts';
import type { StoreContext } from './context.ts';
import { isOlder, listFolder } from './layout.ts';
import { settleTrash } from './trash.ts';

/** After this time the temporary file of a short write counts as left behind when nobody knows whose it is. */
const TEMPORARY_MS = 60 * 60 * 1000;

/**
 * Removes what killed processes left: their leases, half-received content and uploads, freed and temporary files.
 * @throws FinchError `IO`
 */
export async function removeLeftovers(store: StoreContext): Promise<void> {
  const { layout } = store;
  const now = store.now().getTime();
  const isLeft = (path: string, { name, age }: { readonly name: string; readonly age: number }) => {
    const state = ownerState(ingestOwner(name));
    return state === 'dead' || (state === 'unknown' && isOlder(path, { age, now }));
  };
  dropDeadLeases(store, now);
  for (const folder of [layout.ingest, layout.uploads]) {
    for (const file of listFolder(folder)) {
      const path = join(folder, file);
      if (isLeft(path, { name: file, age: UNSEEN_OWNER_MS })) await remove(path);
    }
  }
  await settleTrash(store);
  for (const file of listFolder(layout.root)) {
    if (!file.startsWith(TEMPORARY_PREFIX)) continue;
    const path = join(layout.root, file);
    const name = file.slice(TEMPORARY_PREFIX.length);
    if (isLeft(path, { name, age: TEMPORARY_MS })) await remove(path);
  }
}

/**
 * Ends the leases of processes that are gone, and the old ones of processes that cannot be seen. A lease
 * that seems to come from the future, because the clock was set back, begins to age now.
 */
function dropDeadLeases({ database }: StoreContext, now: number): void {
  const rows = database.all<{ id: string; owner: string; createdAt: number }>(
    'SELECT id, owner, created_at AS createdAt FROM leases',
  );
  const states = new Map(rows.map(({ owner }) => [owner, ownerState(owner)]));
  const dead = rows.filter(({ owner, createdAt }) => {
    const state = states.get(owner);
    return state === 'dead' || (state === 'unknown' && createdAt < now - UNSEEN_OWNER_MS);
  });
  const isFromFuture = rows.some(({ createdAt }) => createdAt > now);
  if (dead.length === 0 && !isFromFuture) return;
  database.transaction(() => {
    database.run('UPDATE leases SET created_at = ?1 WHERE created_at > ?1', now);
    for (const { id } of dead) database.run('DELETE FROM leases WHERE id = ?', id);
  });
}
