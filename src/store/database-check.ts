import { hasCode } from '../errors.ts';
import { isDigest } from '../oci/digest.ts';
import { formatReference, parseReference } from '../oci/reference.ts';
import type { StoreDatabase } from './database.ts';
import { damagedDatabase } from './database-error.ts';
import { indexEntry } from './index-file.ts';
import { listNames } from './names.ts';
import { emptyDatabase } from './open-database.ts';

/**
 * Reads all of the database and checks what SQLite and finch know of its order. Not every change of a bit
 * shows: what a blob is, is checked with the blob.
 * @throws FinchError `STORE_UNUSABLE` when it is damaged
 */
export function checkDatabase(database: StoreDatabase): void {
  // All of one moment: others may change names while this reads them.
  if (database.snapshot(() => isSound(database))) return;
  throw damagedDatabase(database.path);
}

function isSound(database: StoreDatabase): boolean {
  const found = database.all<{ integrity_check: string }>('PRAGMA integrity_check(1)');
  const isWhole = found.length === 1 && found[0]?.integrity_check === 'ok';
  const isOurs = isWhole && schemaIsWhole(database);
  return isOurs && digestsAreSound(database) && namesAreSound(database);
}

/** Whether all is there that finch has made, as it makes it today. */
function schemaIsWhole(database: StoreDatabase): boolean {
  using fresh = emptyDatabase(database.path);
  const found = new Set(definitions(database));
  return definitions(fresh).every((definition) => found.has(definition));
}

function definitions(database: StoreDatabase): readonly string[] {
  return database
    .all<{ type: string; name: string; sql: string | null }>(
      'SELECT type, name, sql FROM sqlite_schema',
    )
    .map(({ type, name, sql }) => JSON.stringify([type, name, sql]));
}

function digestsAreSound(database: StoreDatabase): boolean {
  const digests = database.all<{ digest: string }>(
    'SELECT digest FROM blobs UNION SELECT holder FROM edges UNION SELECT held FROM edges',
  );
  return digests.every(({ digest }) => isDigest(digest));
}

function namesAreSound(database: StoreDatabase): boolean {
  const entries = new Map(
    database
      .all<{ name: string; entry: string }>('SELECT name, entry FROM names')
      .map(({ name, entry }) => [name, entry]),
  );
  return listNames(database).every(
    ({ name, target }) =>
      isName(name) && isDigest(target.digest) && indexEntry(name, target) === entries.get(name),
  );
}

/** Whether a text is a name as finch keeps it. */
export function isName(text: string): boolean {
  try {
    return formatReference(parseReference(text)) === text;
  } catch (error) {
    if (hasCode(error, 'REFERENCE_INVALID')) return false;
    throw error;
  }
}
