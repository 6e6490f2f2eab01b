import { readFileSync } from 'node:fs';
import { FinchError, hasCode } from '../errors.ts';
import { ioError } from '../host/io-error.ts';
import { type Descriptor, parseDescriptor } from '../oci/descriptor.ts';
import { parseJsonObject } from '../oci/json.ts';
import { isDocumentType } from '../oci/media-types.ts';
import { formatReference, parseReference } from '../oci/reference.ts';
import type { StoreContext } from './context.ts';
import { hasBlob } from './has.ts';
import { exportIndex, IMAGE_NAME, indexState, REF_NAME, stampOf } from './index-file.ts';
import { fileSize } from './layout.ts';
import { countGeneration, findName, setName } from './names.ts';

/** The largest `index.json` that is read: more than 100,000 names. */
const MAX_INDEX_FILE_BYTES = 64 * 1024 * 1024;
/** How often another program may change `index.json` while finch brings it up to date. */
const MAX_ROUNDS = 5;

interface NamedTarget {
  readonly name: string;
  readonly target: Descriptor;
}

/**
 * Takes over the names that another program, such as skopeo, gave in `index.json` since finch wrote or read
 * it last, where what they name is here and intact. Names that are gone from it stay.
 * @throws FinchError `IO`
 */
export async function takeForeignNames(store: StoreContext): Promise<void> {
  const { database, layout } = store;
  for (let round = 0; database.writable && round < MAX_ROUNDS; round++) {
    const stamp = stampOf(layout.index);
    if (stamp === indexState(database).stamp) return;
    // Under the lock no finch changes file and database, so what differs comes from another program.
    const foreign = database.transaction(() => readIfForeign(store, stamp));
    if (foreign === undefined) continue;
    await using _lease = store.leases.create(store);
    const present: NamedTarget[] = [];
    for (const entry of foreign) {
      if (await hasBlob(store, entry.target)) present.push(entry);
    }
    const taken = database.transaction(() => take(store, present, stamp), { durable: true });
    if (taken) return;
  }
}

/**
 * Brings `index.json` up to date, and takes over first what another program wrote there.
 * @throws FinchError `IO`
 */
export async function refreshIndex(store: StoreContext): Promise<void> {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    if ((await exportIndex(store)) !== 'foreign') return;
    await takeForeignNames(store);
  }
}

/** The entries that say something else than the database; undefined when it is not the file of `stamp` any more. */
function readIfForeign(
  store: StoreContext,
  stamp: string | null,
): readonly NamedTarget[] | undefined {
  const { database, layout } = store;
  if (stampOf(layout.index) !== stamp || indexState(database).stamp === stamp) return undefined;
  if (stamp === null) return [];
  return readEntries(layout.index).filter(
    ({ name, target }) => findName(database, name)?.target.digest !== target.digest,
  );
}

function take(store: StoreContext, entries: readonly NamedTarget[], stamp: string | null): boolean {
  const { database, layout } = store;
  if (stampOf(layout.index) !== stamp) return false;
  const createdAt = store.now().getTime();
  for (const { name, target } of entries) setName(database, { name, target, createdAt });
  if (entries.length > 0) countGeneration(database);
  // What the file shows is no generation of ours, so the next export has to write it.
  database.run('UPDATE index_file SET exported = -1, stamp = ?', stamp);
  return true;
}

function readEntries(path: string): readonly NamedTarget[] {
  if ((fileSize(path) ?? 0) > MAX_INDEX_FILE_BYTES) return [];
  try {
    const { manifests } = parseJsonObject(readFileSync(path), path);
    return Array.isArray(manifests) ? manifests.flatMap(readEntry) : [];
  } catch (error) {
    // Half written by a program that does not replace it in one step: its end changes the stamp again.
    if (hasCode(error, 'DOCUMENT_INVALID')) return [];
    throw ioError(error, 'read', path);
  }
}

/** The entry, unless it has no name that finch could keep. */
function readEntry(value: unknown): readonly NamedTarget[] {
  try {
    const { annotations = {}, ...target } = parseDescriptor(value, 'an entry of index.json');
    const name = annotations[IMAGE_NAME] ?? annotations[REF_NAME];
    if (name === undefined || !isDocumentType(target.mediaType)) return [];
    const reference = parseReference(name);
    if (reference.tag !== undefined && reference.digest !== undefined) return [];
    return [{ name: formatReference(reference), target }];
  } catch (error) {
    if (error instanceof FinchError) return [];
    throw error;
  }
}
