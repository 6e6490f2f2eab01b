import { readFileSync } from 'node:fs';
import { FinchError, hasCode } from '../errors.ts';
import { ioError } from '../host/io-error.ts';
import { type Descriptor, parseDescriptor } from '../oci/descriptor.ts';
import { parseJsonObject } from '../oci/json.ts';
import { isDocumentType } from '../oci/media-types.ts';
import { formatReference, parseReference } from '../oci/reference.ts';
import type { StoreContext } from './context.ts';
import { hasBlob } from './has.ts';
import { exportIndex, IMAGE_NAME, indexState, isOurs, REF_NAME } from './index-file.ts';
import { fileSize, fileState, stampOf } from './layout.ts';
import { countGeneration, findName, setName } from './names.ts';

/** The largest `index.json` that is read: more than 100,000 names. */
const MAX_INDEX_FILE_BYTES = 64 * 1024 * 1024;
/** The most entries that are kept of those that are no names. */
const MAX_OTHER_ENTRIES = 10_000;
/** How often another program may change `index.json` while finch brings it up to date. */
const MAX_ROUNDS = 5;

interface NamedTarget {
  readonly name: string;
  readonly target: Descriptor;
}

/** An entry without a name that finch could keep. */
interface OtherEntry {
  readonly target: Descriptor;
  /** Its JSON. */
  readonly entry: string;
}

/** What an `index.json` shows. */
export interface Entries {
  readonly named: readonly NamedTarget[];
  /** Undefined when the file does not tell. */
  readonly others?: readonly OtherEntry[];
}

/**
 * Takes over the names that another program, such as skopeo, gave in `index.json` since finch wrote or read
 * it last, where what they name is here and intact. Names that are gone from it stay. Entries without a
 * usable name are kept as they are, as long as they are in the file.
 * @throws FinchError `IO`
 */
export async function takeForeignNames(store: StoreContext): Promise<void> {
  const { database, layout } = store;
  for (let round = 0; database.writable && round < MAX_ROUNDS; round++) {
    const stamp = stampOf(layout.index);
    if (isOurs(indexState(database), stamp)) return;
    // Under the lock no finch changes file and database, so what differs comes from another program.
    const foreign = database.transaction(() => readIfForeign(store, stamp));
    if (foreign === undefined) continue;
    await using _lease = store.leases.create(store);
    const present: NamedTarget[] = [];
    for (const entry of foreign.named) {
      if (await isWithin(store, entry.target)) present.push(entry);
    }
    // Whether it is here or not: this way the store knows what it reaches.
    for (const { target } of foreign.others ?? []) await isWithin(store, target);
    const entries = { ...foreign, named: present };
    const taken = database.transaction(() => take(store, entries, stamp), { durable: true });
    if (taken) return;
  }
}

/** As `hasBlob`, at the price of one look when there is no such file: a file may name a million of them. */
async function isWithin(store: StoreContext, target: Descriptor): Promise<boolean> {
  return fileState(store.layout.blob(target.digest)) !== undefined && hasBlob(store, target);
}

/**
 * Brings `index.json` up to date, and takes over first what another program wrote there. That the file
 * cannot be written is no reason to fail: the database knows, and the next call writes it.
 */
export async function refreshIndex(store: StoreContext): Promise<void> {
  try {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      if ((await exportIndex(store)) !== 'foreign') return;
      await takeForeignNames(store);
    }
  } catch (error) {
    if (!hasCode(error, 'IO')) throw error;
  }
}

/** The entries that say something else than the database; undefined when it is not the file of `stamp` any more. */
function readIfForeign(store: StoreContext, stamp: string | null): Entries | undefined {
  const { database, layout } = store;
  if (stampOf(layout.index) !== stamp || isOurs(indexState(database), stamp)) return undefined;
  if (stamp === null) return { named: [] };
  const entries = readEntries(layout.index);
  const named = entries.named.filter(
    ({ name, target }) => findName(database, name)?.target.digest !== target.digest,
  );
  return { ...entries, named };
}

function take(store: StoreContext, { named, others }: Entries, stamp: string | null): boolean {
  const { database, layout } = store;
  if (stampOf(layout.index) !== stamp) return false;
  const createdAt = store.now().getTime();
  for (const { name, target } of named) setName(database, { name, target, createdAt });
  if (named.length > 0 || others !== undefined) countGeneration(database);
  if (others !== undefined) database.run('DELETE FROM foreign_entries');
  for (const { target, entry } of others ?? []) {
    database.run('INSERT OR IGNORE INTO foreign_entries VALUES (?, ?)', target.digest, entry);
  }
  // What the file shows is no generation of ours, so the next export has to write it.
  database.run('UPDATE index_file SET exported = -1, stamp = ?', stamp);
  return true;
}

/**
 * What `index.json` at `path` shows; nothing when it is no such file.
 * @throws FinchError `IO`
 */
export function readEntries(path: string): Entries {
  // Nothing can be read from a folder, and a pipe would be waited for without end.
  const size = fileSize(path);
  if (size === undefined || size > MAX_INDEX_FILE_BYTES) return { named: [] };
  try {
    const { manifests } = parseJsonObject(readFileSync(path), path, {
      // Bounded by its size: there may be as many entries as names.
      maxValues: Number.POSITIVE_INFINITY,
    });
    const entries = Array.isArray(manifests) ? manifests.flatMap(readEntry) : [];
    return {
      named: entries.filter((entry) => 'name' in entry),
      others: entries.filter((entry) => 'entry' in entry).slice(0, MAX_OTHER_ENTRIES),
    };
  } catch (error) {
    // Half written by a program that does not replace it in one step: its end changes the stamp again.
    if (hasCode(error, 'DOCUMENT_INVALID')) return { named: [] };
    throw ioError(error, 'read', path);
  }
}

/** The entry; none when it describes nothing. */
function readEntry(value: unknown): readonly (NamedTarget | OtherEntry)[] {
  try {
    const { annotations = {}, ...target } = parseDescriptor(value, 'an entry of index.json');
    const name = usableName(annotations[IMAGE_NAME] ?? annotations[REF_NAME]);
    if (name !== undefined && isDocumentType(target.mediaType)) return [{ name, target }];
    return [{ target, entry: JSON.stringify(value) }];
  } catch (error) {
    if (error instanceof FinchError) return [];
    throw error;
  }
}

/** The whole name that `text` is short for, if finch could keep it. */
function usableName(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  try {
    const reference = parseReference(text);
    const isDouble = reference.tag !== undefined && reference.digest !== undefined;
    return isDouble ? undefined : formatReference(reference);
  } catch (error) {
    if (hasCode(error, 'REFERENCE_INVALID')) return undefined;
    throw error;
  }
}
