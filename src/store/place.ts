import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemCode } from '../errors.ts';
import { ioError } from '../host/io-error.ts';
import { ingestName } from '../host/owner.ts';
import type { Digest } from '../oci/digest.ts';
import type { StoreContext } from './context.ts';
import { findBlob } from './presence.ts';

/** What systems say when a folder has the name that a file is to get. */
const IN_THE_WAY = ['EISDIR', 'ENOTEMPTY', 'EEXIST', 'EPERM'];

/**
 * Gives a received file the name of its blob, over whatever has that name: it is damaged, or about to be
 * written down by another process, which then finds the same content. What is written down already stays, so
 * that its file is the one that was verified. Folders that someone removed come back, and one that has the
 * name of the blob goes.
 * @throws FinchError `IO`
 */
export function placeBlob(store: StoreContext, from: string, digest: Digest): void {
  const to = store.layout.blob(digest);
  store.database.transaction(() => {
    if (findBlob(store, digest) !== undefined) return;
    try {
      const code = tryRename(from, to);
      if (code === undefined) return;
      if (code === 'ENOENT') mkdirSync(dirname(to), { recursive: true });
      else if (IN_THE_WAY.includes(code)) moveAway(store, to);
      renameSync(from, to);
    } catch (error) {
      throw ioError(error, 'write', to);
    }
  });
}

/** The system's code when it did not work. */
function tryRename(from: string, to: string): string | undefined {
  try {
    renameSync(from, to);
    return undefined;
  } catch (error) {
    return systemCode(error) ?? 'unknown';
  }
}

function moveAway({ layout, owner }: StoreContext, path: string): void {
  const aside = join(layout.trash, ingestName(owner));
  mkdirSync(layout.trash, { recursive: true });
  renameSync(path, aside);
  rmSync(aside, { recursive: true, force: true });
}
