import { mkdirSync, renameSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../errors.ts';
import { ioError } from '../host/io-error.ts';
import type { Digest } from '../oci/digest.ts';
import type { StoreContext } from './context.ts';
import type { Layout } from './layout.ts';
import { ingestName } from './owner.ts';
import { forgetBlob } from './record.ts';

/** Which digests to free, and whether that still holds now that nobody else writes. */
export interface Freeing {
  readonly digests: readonly Digest[];
  readonly isFree: (digest: Digest) => boolean;
}

/**
 * Frees blobs in one step. Their files move out of the way under the lock, which is quick whatever their
 * size, and are removed after it; who reads one at this moment reads on.
 * @returns those that were here
 */
export async function freeBlobs(
  store: StoreContext,
  { digests, isFree }: Freeing,
): Promise<readonly Digest[]> {
  const { database, layout, owner } = store;
  const moved: { readonly from: string; readonly to: string }[] = [];
  const free = (digest: Digest): boolean => {
    if (!isFree(digest)) return false;
    const known = forgetBlob(store, digest);
    const paths = { from: layout.blob(digest), to: join(layout.trash, ingestName(owner)) };
    if (!moveIfThere(paths)) return known;
    moved.push(paths);
    return true;
  };
  makeTrash(layout);
  let freed: readonly Digest[];
  try {
    freed = database.transaction(() => digests.filter(free));
  } catch (error) {
    for (const { from, to } of moved) moveIfThere({ from: to, to: from });
    throw error;
  }
  for (const { to } of moved) await rm(to, { force: true });
  return freed;
}

function makeTrash({ trash }: Layout): void {
  try {
    mkdirSync(trash, { recursive: true });
  } catch (error) {
    throw ioError(error, 'write', trash);
  }
}

function moveIfThere({ from, to }: { readonly from: string; readonly to: string }): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw ioError(error, 'write', from);
  }
}
