import { constants, Database } from 'bun:sqlite';
import { accessSync, constants as fileConstants } from 'node:fs';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { FinchError, systemCode } from '../errors.ts';
import { ACCESS_HINT } from '../host/io-error.ts';
import { StoreDatabase } from './database.ts';
import { isOutOfSpace, isUnwritable } from './database-error.ts';
import { BUSY_TIMEOUT_MS, patiently } from './patience.ts';
import { keepReserve, releaseReserve } from './reserve.ts';
import { MIGRATIONS, SCHEMA_VERSION } from './schema.ts';

/**
 * Opens or creates the database at `path`, and brings it up to date. Where it cannot be written to, also
 * because the disk is full, it can be read.
 * @throws FinchError `STORE_UNUSABLE` when a newer finch made it or it is damaged, `IO`
 */
export function openDatabase(path: string): StoreDatabase {
  // SQLite would open it for reading and not say so.
  if (!mayBeWritten(path)) return openReadOnly(path, readOnly(path));
  try {
    return openForWriting(path);
  } catch (error) {
    if (isUnwritable(error)) return openReadOnly(path, readOnly(path));
    if (isOutOfSpace(error) && error instanceof FinchError) return openReadOnly(path, error);
    throw error;
  }
}

/** A database of a store that does not exist and cannot be made: empty, and read-only. */
export function emptyDatabase(path: string, refusal = readOnly(path)): StoreDatabase {
  const memory = new Database(':memory:');
  for (const step of MIGRATIONS) memory.run(step);
  return new StoreDatabase(memory, { path, refusal });
}

function mayBeWritten(path: string): boolean {
  try {
    accessSync(path, fileConstants.W_OK);
    return true;
  } catch (error) {
    return !['EACCES', 'EPERM', 'EROFS'].includes(systemCode(error) ?? '');
  }
}

function openForWriting(path: string): StoreDatabase {
  const flags = constants.SQLITE_OPEN_READWRITE | constants.SQLITE_OPEN_CREATE;
  try {
    return openWith(path, { flags });
  } catch (error) {
    if (!isOutOfSpace(error) || !releaseReserve(dirname(path))) throw error;
    const database = openWith(path, { flags });
    keepReserve(dirname(path));
    return database;
  }
}

/**
 * Reading a WAL database needs write access to its folder, unless its side files are there or SQLite is
 * told that nothing changes. https://sqlite.org/wal.html#read_only_databases
 */
function openReadOnly(path: string, refusal: FinchError): StoreDatabase {
  try {
    return openWith(path, { flags: constants.SQLITE_OPEN_READONLY, refusal });
  } catch (error) {
    if (!isUnwritable(error) && !isOutOfSpace(error)) throw error;
  }
  const frozen = `${pathToFileURL(path).href}?immutable=1`;
  const flags = constants.SQLITE_OPEN_READONLY | constants.SQLITE_OPEN_URI;
  return openWith(path, { name: frozen, flags, refusal });
}

function openWith(
  path: string,
  { name = path, flags, refusal }: { name?: string; flags: number; refusal?: FinchError },
): StoreDatabase {
  const database = patiently(path, () => new Database(name, flags));
  try {
    patiently(path, () => {
      database.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
      database.run('PRAGMA synchronous = NORMAL');
      database.run('PRAGMA fullfsync = ON');
      database.run('PRAGMA foreign_keys = ON');
    });
    const version = patiently(path, () => schemaVersion(database));
    if (version > SCHEMA_VERSION) throw tooNew(path, version);
    if (version < SCHEMA_VERSION && refusal !== undefined) {
      // Whoever was to make it had not begun to write.
      database.close();
      return emptyDatabase(path, refusal);
    }
    if (version < SCHEMA_VERSION) patiently(path, () => migrate(database));
    return new StoreDatabase(database, { path, ...(refusal && { refusal }) });
  } catch (error) {
    database.close();
    throw error;
  }
}

function migrate(database: Database): void {
  database.run('PRAGMA journal_mode = WAL');
  const steps = database.transaction(() => {
    // Another process may have been faster.
    for (let version = schemaVersion(database); version < SCHEMA_VERSION; version++) {
      database.run(MIGRATIONS[version] ?? '');
    }
    database.run(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  });
  steps.immediate();
}

function schemaVersion(database: Database): number {
  const row = database.query<{ user_version: number }, []>('PRAGMA user_version').get();
  return row?.user_version ?? 0;
}

function readOnly(path: string): FinchError {
  return new FinchError('IO', `the store ${path} is read-only`, { hint: ACCESS_HINT });
}

function tooNew(path: string, version: number): FinchError {
  return new FinchError(
    'STORE_UNUSABLE',
    `the store ${path} was made by a newer finch (format ${version}, this one knows ${SCHEMA_VERSION})`,
    { hint: 'update finch, or choose another home with FINCH_HOME' },
  );
}
