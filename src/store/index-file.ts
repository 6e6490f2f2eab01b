import { dirname } from 'node:path';
import { stageFile } from '../host/atomic-file.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { mediaTypes } from '../oci/media-types.ts';
import { familiarReference, parseReference } from '../oci/reference.ts';
import type { StoreContext } from './context.ts';
import type { StoreDatabase } from './database.ts';
import { stampOf } from './layout.ts';

/**
 * The annotation that holds a name, as users write it.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/annotations.md#pre-defined-annotation-keys
 */
export const REF_NAME = 'org.opencontainers.image.ref.name';
/** The annotation in which containerd and its tools keep the whole name. */
export const IMAGE_NAME = 'io.containerd.image.name';

const HEAD = Buffer.from(`{"schemaVersion":2,"mediaType":"${mediaTypes.index}","manifests":[`);
const TAIL = Buffer.from(']}');

/** What the database knows of `index.json`. */
export interface IndexState {
  /** How often names changed. */
  readonly generation: number;
  /** The generation that the file shows. */
  readonly exported: number;
  /** Which file finch wrote or read last, as {@link stampOf} names it. */
  readonly stamp: string | null;
  /** Which file finch was about to put there: it is there when that finch was killed right after. */
  readonly pending: string | null;
}

/** The state that the database has written down. */
export function indexState(database: StoreDatabase): IndexState {
  const row = database.get<IndexState>(
    'SELECT generation, exported, stamp, pending FROM index_file',
  );
  return row ?? { generation: 0, exported: -1, stamp: null, pending: null };
}

/** Whether `stamp` is of a file that finch wrote or has read. */
export function isOurs({ stamp: known, pending }: IndexState, stamp: string | null): boolean {
  return stamp === known || (stamp !== null && stamp === pending);
}

/** What {@link exportIndex} did: nothing when there was nothing new, or when another program changed the file. */
export type ExportOutcome = 'written' | 'current' | 'foreign';

/**
 * Brings `index.json` up to date: an index of all names, sorted, for tools that read image layouts, and of
 * the entries of other tools that are no names. When names change meanwhile, it begins again: a file that
 * is published shows the names of its moment. So if a power cut takes away the note that it is ours, which
 * is only on disk with the next change of names, what is then read from it is what the database has.
 * @throws FinchError `IO`
 */
export async function exportIndex(store: StoreContext): Promise<ExportOutcome> {
  for (;;) {
    if (isCurrent(store)) return 'current';
    const outcome = await exportOnce(store);
    if (outcome !== 'outdated') return outcome;
  }
}

async function exportOnce(store: StoreContext): Promise<ExportOutcome | 'outdated'> {
  const { database, layout, folders } = store;
  const { generation, bytes } = database.snapshot(() => ({
    ...indexState(database),
    bytes: indexBytes(database),
  }));
  await using staged = await stageFile(layout.index, bytes, { owner: store.owner });
  const stamp = stampOf(staged.temporaryPath);
  for (;;) {
    const refused = database.transaction(() => announce(store, { generation, stamp }));
    if (refused !== undefined) return refused;
    const outcome = database.transaction((): ExportOutcome | 'outdated' | undefined => {
      const state = indexState(database);
      if (!isOurs(state, stampOf(layout.index))) return 'foreign';
      if (state.generation !== generation) return 'outdated';
      // Another process came between, with the same names.
      if (state.pending !== stamp) return undefined;
      staged.publish();
      database.run(
        'UPDATE index_file SET exported = ?, stamp = pending, pending = NULL',
        generation,
      );
      return 'written';
    });
    if (outcome === undefined) continue;
    if (outcome === 'written') await folders.sync(dirname(layout.index));
    return outcome;
  }
}

/**
 * Notes which file is about to be published, so that it counts as ours also when this process is killed
 * before it can note that it was; or says why none is to be published. Inside a transaction of the caller.
 */
function announce(
  { database, layout }: StoreContext,
  { generation, stamp }: { readonly generation: number; readonly stamp: string | null },
): ExportOutcome | 'outdated' | undefined {
  const found = stampOf(layout.index);
  const state = indexState(database);
  if (!isOurs(state, found)) return 'foreign';
  if (state.generation !== generation) return 'outdated';
  if (state.exported >= generation) return 'current';
  database.run('UPDATE index_file SET stamp = ?, pending = ?', found, stamp);
  return undefined;
}

function isCurrent({ database, layout }: StoreContext): boolean {
  const { generation, exported, stamp } = indexState(database);
  return exported >= generation && stampOf(layout.index) === stamp;
}

/** Whether names have changed, and a finch that was killed right after that has not brought `index.json` up to date. */
export function isBehind({ database, layout }: StoreContext): boolean {
  const { generation, exported } = indexState(database);
  // What another program wrote is no generation of ours; it is written anew with the next change.
  return exported < 0 ? stampOf(layout.index) === null : exported < generation;
}

/** The JSON that `index.json` shows for a name, under the annotations by which other tools find it. */
export function indexEntry(name: string, { mediaType, digest, size }: Descriptor): string {
  const familiar = familiarReference(parseReference(name));
  const annotations = { [REF_NAME]: familiar, [IMAGE_NAME]: name };
  return JSON.stringify({ mediaType, digest, size, annotations });
}

function indexBytes(database: StoreDatabase): Uint8Array {
  const named = joined(database, 'SELECT entry FROM names ORDER BY name');
  const foreign = joined(database, 'SELECT entry FROM foreign_entries ORDER BY digest, entry');
  const comma = named.length > 0 && foreign.length > 0 ? ',' : '';
  return Buffer.concat([HEAD, named, Buffer.from(comma), foreign, TAIL]);
}

/** An `index.json` of these entries, each of them JSON. */
export function indexDocument(entries: readonly string[]): Uint8Array {
  return Buffer.concat([HEAD, Buffer.from(entries.join(',')), TAIL]);
}

function joined(database: StoreDatabase, entries: string): Uint8Array {
  // As one blob, 10,000 names take 8 ms; as rows that JavaScript puts together, 14 ms.
  const row = database.get<{ all: Uint8Array | null }>(
    `SELECT CAST(group_concat(entry, ',') AS BLOB) AS "all" FROM (${entries})`,
  );
  return row?.all ?? new Uint8Array();
}
