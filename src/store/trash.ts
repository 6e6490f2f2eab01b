import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../errors.ts';
import { ioError } from '../host/io-error.ts';
import { ingestName, ingestOwner, ownerState } from '../host/owner.ts';
import { remove } from '../host/remove.ts';
import { type Digest, isDigest } from '../oci/digest.ts';
import type { StoreContext } from './context.ts';
import { fileKind, type Layout, listFolder } from './layout.ts';
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
    const paths = { from: layout.blob(digest), to: join(layout.trash, trashName(owner, digest)) };
    if (!moveIfThere(paths)) return known;
    moved.push(paths);
    return true;
  };
  const undo = () => {
    for (const { from, to } of moved.splice(0)) moveIfThere({ from: to, to: from });
  };
  makeTrash(layout);
  // Durable, because a file that is gone must not come back to anyone's mind after a power cut.
  const freed = database.transaction(() => digests.filter(free), { durable: true, undo });
  for (const { to } of moved) await remove(to);
  return freed;
}

/**
 * Ends what processes that no longer live had begun to free: what is still written down goes back to its
 * place, all else is removed.
 * @throws FinchError `IO`
 */
export async function settleTrash(store: StoreContext): Promise<void> {
  const { database, layout } = store;
  for (const file of listFolder(layout.trash)) {
    // Its owner puts a blob back when it cannot note that it freed it.
    if (ownerState(ingestOwner(file)) === 'alive') continue;
    const path = join(layout.trash, file);
    const digest = trashedDigest(file);
    if (digest !== undefined && database.transaction(() => putBack(store, path, digest))) continue;
    await remove(path);
  }
}

/** Undoes a move into the trash that was not noted; whether it was not. Inside a transaction of the caller. */
function putBack({ database, layout }: StoreContext, path: string, digest: Digest): boolean {
  const to = layout.blob(digest);
  const known = database.get('SELECT 1 FROM blobs WHERE digest = ?', digest) !== undefined;
  return known && fileKind(to) === 'none' && moveIfThere({ from: path, to });
}

/** A name in the trash that tells who frees which blob. */
function trashName(owner: string, digest: Digest): string {
  return `${ingestName(owner)}.${digest.replace(':', '.')}`;
}

/** The digest in a {@link trashName}; undefined in any other name. */
function trashedDigest(name: string): Digest | undefined {
  const [, digest] = /^.*-[0-9a-f]+\.(.*)$/.exec(name) ?? [];
  const text = digest?.replace('.', ':');
  return isDigest(text) ? text : undefined;
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
