import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import type { StoreDatabase } from './database.ts';
import type { ImageRecord } from './image-store.ts';
import { indexEntry } from './index-file.ts';

interface NameRow {
  readonly name: string;
  readonly digest: Digest;
  readonly media_type: string;
  readonly size: number;
  readonly created_at: number;
}

/** The last moment that `Date` knows. */
const MAX_TIME_MS = 8.64e15;

const SELECT = 'SELECT name, digest, media_type, size, created_at FROM names';
const NEWEST_FIRST = 'ORDER BY created_at DESC, name';

/** As `ImageStore.names`. */
export function listNames(database: StoreDatabase): readonly ImageRecord[] {
  return database.all<NameRow>(`${SELECT} ${NEWEST_FIRST}`).map(record);
}

/** As `ImageStore.name`. */
export function findName(database: StoreDatabase, name: string): ImageRecord | undefined {
  const row = database.get<NameRow>(`${SELECT} WHERE name = ?`, name);
  return row && record(row);
}

/** As `ImageStore.targetsByPrefix`. */
export function findTargets(database: StoreDatabase, prefix: string): readonly ImageRecord[] {
  if (!/^[0-9a-f]*$/.test(prefix)) return [];
  return database
    .all<NameRow>(
      // "g" is what follows the hexadecimal digits.
      `${SELECT} WHERE (digest >= 'sha256:' || ?1 AND digest < 'sha256:' || ?1 || 'g')
                            OR (digest >= 'sha512:' || ?1 AND digest < 'sha512:' || ?1 || 'g')
     ${NEWEST_FIRST}`,
      prefix,
    )
    .map(record);
}

/** Gives a name; how many rows that changed. Inside a transaction of the caller, who counts the generation up. */
export function setName(
  database: StoreDatabase,
  { name, target, createdAt }: { name: string; target: Descriptor; createdAt: number },
): number {
  return database.run(
    'INSERT OR REPLACE INTO names VALUES (?, ?, ?, ?, ?, ?)',
    name,
    target.digest,
    target.mediaType,
    target.size,
    createdAt,
    indexEntry(name, target),
  );
}

/** Takes a name; how many rows that changed. Inside a transaction of the caller, who counts the generation up. */
export function removeName(database: StoreDatabase, name: string): number {
  return database.run('DELETE FROM names WHERE name = ?', name);
}

/** Notes that names changed, so that `index.json` is out of date. Inside a transaction of the caller. */
export function countGeneration(database: StoreDatabase): void {
  database.run('UPDATE index_file SET generation = generation + 1');
}

function record({ name, digest, media_type, size, created_at }: NameRow): ImageRecord {
  const target = { mediaType: media_type, digest, size };
  const time = Math.min(Math.max(created_at, 0), MAX_TIME_MS);
  return { name, target, createdAt: new Date(time) };
}
