import type { AbortOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import type { Digest } from '../oci/digest.ts';
import { digestParts } from '../oci/digest.ts';
import { digestAll } from '../streams/digest-stream.ts';
import { readRange } from '../streams/file-stream.ts';
import type { StoreContext } from './context.ts';
import { checkDatabase } from './database-check.ts';
import { namesAbove } from './graph.ts';
import type { Damage, Inspection } from './image-store.ts';
import { fileKind, fileState } from './layout.ts';
import { listNames } from './names.ts';

interface BlobRow {
  readonly digest: Digest;
  readonly size: number;
}

/** As `ImageStore.inspect`. */
export async function inspectStore(
  store: StoreContext,
  { signal }: AbortOptions = {},
): Promise<Inspection> {
  const { database } = store;
  checkDatabase(database);
  const rows = database.all<BlobRow>('SELECT digest, size FROM blobs ORDER BY digest');
  const damages: Damage[] = [];
  const add = (digest: Digest, problem: string) => {
    damages.push({ digest, problem, names: namesAbove(database, digest) });
  };
  for (const row of rows) {
    signal?.throwIfAborted();
    const problem = await lastingProblemOf(store, row, { signal });
    if (problem !== undefined) add(row.digest, problem);
  }
  for (const { digest } of database.snapshot(() => unrecorded(store))) add(digest, 'is missing');
  const bytes = rows.reduce((sum, { size }) => sum + size, 0);
  return { names: listNames(database).length, blobs: rows.length, bytes, damages };
}

/** As {@link problemOf}, of a blob that nobody frees or writes meanwhile: under the lock, file and record agree. */
async function lastingProblemOf(
  store: StoreContext,
  row: BlobRow,
  options: AbortOptions,
): Promise<string | undefined> {
  const { database } = store;
  const locked = <T>(work: () => T) =>
    database.writable ? database.transaction(work) : database.snapshot(work);
  for (;;) {
    const state = stateOf(store, row);
    const problem = await problemOf(store, row, options);
    if (problem === undefined) return undefined;
    const now = locked(() => ({ isHere: isRecorded(store, row), state: stateOf(store, row) }));
    if (!now.isHere) return undefined;
    if (now.state === state) return problem;
  }
}

/** The state of a blob's file; the reason when the system does not tell. */
function stateOf({ layout }: StoreContext, { digest }: BlobRow): string | undefined {
  try {
    return fileState(layout.blob(digest))?.stamp;
  } catch (error) {
    if (error instanceof FinchError) return error.message;
    throw error;
  }
}

/** What is wrong with a blob, as `Damage.problem` says it; undefined when it is intact. Reads all of it. */
export async function problemOf(
  { layout }: StoreContext,
  { digest, size }: BlobRow,
  { signal }: AbortOptions = {},
): Promise<string | undefined> {
  const path = layout.blob(digest);
  try {
    const found = fileState(path)?.size;
    if (found === undefined) return fileKind(path) === 'none' ? 'is missing' : 'is not a file';
    if (found !== size) return `has ${found} bytes instead of ${size}`;
    const bytes = readRange(path, { start: 0, end: size, signal });
    const { digest: actual } = await digestAll(bytes, digestParts(digest).algorithm);
    return actual === digest ? undefined : 'has other content';
  } catch (error) {
    if (error instanceof FinchError) return `cannot be read (${error.message})`;
    throw error;
  }
}

/** What names and the manifests below them cannot do without, and nobody wrote down. */
function unrecorded({ database }: StoreContext): readonly { readonly digest: Digest }[] {
  return database.all(
    `WITH RECURSIVE needed (digest) AS (
       SELECT digest FROM names
       UNION SELECT held FROM edges JOIN needed ON holder = needed.digest
       WHERE kind = 'required' OR (kind = 'optional' AND held IN (SELECT digest FROM blobs))
     )
     SELECT digest FROM needed WHERE digest NOT IN (SELECT digest FROM blobs) ORDER BY digest`,
  );
}

function isRecorded({ database }: StoreContext, { digest, size }: BlobRow): boolean {
  const row = database.get('SELECT 1 FROM blobs WHERE digest = ? AND size = ?', digest, size);
  return row !== undefined;
}
