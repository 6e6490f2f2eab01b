import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AbortOptions } from '../content.ts';
import { freeUnreached } from '../copy/under-lease.ts';
import { holdFileLock, isLocked, withFileLock } from '../host/file-lock.ts';
import { ioError } from '../host/io-error.ts';
import { isPassing, passingPath } from '../oci/bridge-repository.ts';
import type { Naming } from '../server/naming.ts';
import type { ImageStore } from '../store/image-store.ts';
import { type MachineFolder, machineFolder } from '../vm/machine-folder.ts';

/** Options of {@link whileFetching}. */
export interface FetchingOptions {
  /** How long to wait for another one, in milliseconds. */
  readonly patienceMs: number;
  readonly signal: AbortSignal | undefined;
  /** Called once when another one fetches. */
  readonly onWait?: () => void;
}

/**
 * Runs `work` while no other finch fetches from the engine of this home. Meanwhile the bridge takes images below the
 * path that `work` gets, and their names are gone after it, as are those that a killed one left.
 * @throws FinchError `IO`; the signal's reason; what `work` throws
 */
export async function whileFetching(
  home: string,
  store: ImageStore,
  { work, ...options }: FetchingOptions & { readonly work: (path: string) => Promise<void> },
): Promise<void> {
  const folder = machineFolder(home);
  await withFileLock(
    lockIn(folder),
    async () => {
      await removePassing(folder, store);
      const id = randomBytes(16).toString('hex');
      writeMark(folder, id);
      try {
        await work(passingPath(id));
      } finally {
        await removePassing(folder, store);
      }
    },
    options,
  );
}

/**
 * Removes what a killed {@link whileFetching} left in the store, unless another one fetches now.
 * @throws FinchError `IO`
 */
export async function clearFetched(
  folder: MachineFolder,
  store: ImageStore,
  abort: AbortOptions = {},
): Promise<void> {
  if (!existsSync(markIn(folder))) return;
  using lock = await holdFileLock(lockIn(folder), { patienceMs: 0 });
  if (lock !== undefined) await removePassing(folder, store, abort);
}

/** A naming without the paths of images on their way, but for those of the one that fetches now. */
export function whileExpected(folder: MachineFolder, naming: Naming): Naming {
  const isExpected = (key: string) => isLocked(lockIn(folder)) && isOf(key, idIn(folder));
  return {
    ...naming,
    find(path, upstream) {
      const found = naming.find(path, upstream);
      const isOpen = found === undefined || !isPassing(found.key) || isExpected(found.key);
      return isOpen ? found : undefined;
    },
  };
}

/** Only for who has the lock. */
async function removePassing(
  folder: MachineFolder,
  store: ImageStore,
  abort: AbortOptions = {},
): Promise<void> {
  if (!existsSync(markIn(folder))) return;
  const id = idIn(folder);
  const names = store.names().map(({ name }) => name);
  const passing = names.filter((name) => isOf(name, id));
  if (passing.length > 0) await store.changeNames({ remove: passing });
  await freeUnreached(store, abort);
  try {
    rmSync(markIn(folder), { force: true });
  } catch (error) {
    throw ioError(error, 'write', markIn(folder));
  }
}

/** Whether a name is that of an image on its way for the one who has `id`. */
function isOf(name: string, id: string | undefined): boolean {
  return id !== undefined && name.startsWith(`${passingPath(id)}/`);
}

/** Whole at once or of no use: nothing is on its way before it is there. */
function writeMark(folder: MachineFolder, id: string): void {
  try {
    writeFileSync(markIn(folder), id, { mode: 0o600 });
  } catch (error) {
    throw ioError(error, 'write', markIn(folder));
  }
}

/** Whose images are on their way; undefined when there are none. */
function idIn(folder: MachineFolder): string | undefined {
  try {
    return /^[0-9a-f]{32}$/.exec(readFileSync(markIn(folder), 'utf8'))?.[0];
  } catch {
    return undefined;
  }
}

function markIn({ path }: MachineFolder): string {
  return join(path, 'fetch.id');
}

function lockIn({ path }: MachineFolder): string {
  return join(path, 'fetch.lock');
}
