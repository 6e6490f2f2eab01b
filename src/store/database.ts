import { constants, Database, type SQLQueryBindings } from 'bun:sqlite';
import { pathToFileURL } from 'node:url';
import { FinchError, systemCode } from '../errors.ts';
import { ACCESS_HINT } from '../host/io-error.ts';
import { databaseError, isBusy, isUnwritable } from './database-error.ts';
import { MIGRATIONS, SCHEMA_VERSION } from './schema.ts';

const BUSY_TIMEOUT_MS = 10_000;

type Bindings = readonly SQLQueryBindings[];

/** Options of {@link StoreDatabase.transaction}. */
export interface TransactionOptions {
  /** Whether the change must survive a power cut as soon as it is made. Default: false. */
  readonly durable?: boolean;
}

/**
 * `meta.db` of one store. Everything runs at once and blocks, so that no other work of this process can
 * slip into a transaction; what another process locks is waited for, for about 10 s.
 */
export class StoreDatabase implements Disposable {
  readonly path: string;
  /** False when the disk, or the rights to it, allow reading alone: then {@link transaction} throws. */
  readonly writable: boolean;
  readonly #database: Database;

  constructor(database: Database, { path, writable }: { path: string; writable: boolean }) {
    this.#database = database;
    this.path = path;
    this.writable = writable;
  }

  /** Every row of the answer. `Row` is what the statement selects. */
  all<Row>(sql: string, ...bindings: Bindings): Row[] {
    return this.#try(() => this.#database.query<Row, SQLQueryBindings[]>(sql).all(...bindings));
  }

  /** The first row of the answer. */
  get<Row>(sql: string, ...bindings: Bindings): Row | undefined {
    return this.#try(
      () => this.#database.query<Row, SQLQueryBindings[]>(sql).get(...bindings) ?? undefined,
    );
  }

  /** Runs a statement that changes something; how many rows it changed. */
  run(sql: string, ...bindings: Bindings): number {
    return this.#try(() => this.#database.query(sql).run(...bindings).changes);
  }

  /**
   * Does `work` with no writer beside it: all of it or, when it throws, nothing.
   * @throws FinchError `IO` when the store cannot be written to
   */
  transaction<T>(work: () => T, { durable = false }: TransactionOptions = {}): T {
    if (!this.writable) {
      throw new FinchError('IO', `the store ${this.path} is read-only`, {
        hint: ACCESS_HINT,
      });
    }
    // In WAL mode a commit with FULL also puts on disk everything that was committed before it.
    if (durable) this.#try(() => this.#database.run('PRAGMA synchronous = FULL'));
    try {
      return this.#within('BEGIN IMMEDIATE', work);
    } finally {
      if (durable) this.#try(() => this.#database.run('PRAGMA synchronous = NORMAL'));
    }
  }

  /** Does `work`, which only reads, on the state of one moment. */
  snapshot<T>(work: () => T): T {
    return this.#within('BEGIN', work);
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  #within<T>(begin: string, work: () => T): T {
    this.#try(() => this.#database.run(begin));
    try {
      const result = work();
      this.#try(() => this.#database.run('COMMIT'));
      return result;
    } catch (error) {
      // A full disk can make SQLite roll back by itself.
      if (this.#database.inTransaction) this.#database.run('ROLLBACK');
      throw error;
    }
  }

  #try<T>(work: () => T): T {
    return patiently(this.path, work);
  }
}

/**
 * Opens or creates the database at `path`, and brings it up to date.
 * @throws FinchError `STORE_UNUSABLE` when a newer finch made it or it is damaged, `IO`
 */
export function openDatabase(path: string): StoreDatabase {
  try {
    return openWith(path, path, constants.SQLITE_OPEN_READWRITE | constants.SQLITE_OPEN_CREATE);
  } catch (error) {
    if (!isUnwritable(error)) throw error;
    return openReadOnly(path);
  }
}

/** A database of a store that does not exist and cannot be made: empty, and read-only. */
export function emptyDatabase(path: string): StoreDatabase {
  const memory = new Database(':memory:');
  for (const step of MIGRATIONS) memory.run(step);
  return new StoreDatabase(memory, { path, writable: false });
}

/**
 * Reading a WAL database needs write access to its folder, unless its side files are there or SQLite is
 * told that nothing changes. https://sqlite.org/wal.html#read_only_databases
 */
function openReadOnly(path: string): StoreDatabase {
  try {
    return openWith(path, path, constants.SQLITE_OPEN_READONLY);
  } catch (error) {
    if (!isUnwritable(error)) throw error;
  }
  const frozen = `${pathToFileURL(path).href}?immutable=1`;
  return openWith(path, frozen, constants.SQLITE_OPEN_READONLY | constants.SQLITE_OPEN_URI);
}

function openWith(path: string, name: string, flags: number): StoreDatabase {
  const writable = (flags & constants.SQLITE_OPEN_READWRITE) !== 0;
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
    if (version < SCHEMA_VERSION) patiently(path, () => migrate(database));
    return new StoreDatabase(database, { path, writable });
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

function tooNew(path: string, version: number): FinchError {
  return new FinchError(
    'STORE_UNUSABLE',
    `the store ${path} was made by a newer finch (format ${version}, this one knows ${SCHEMA_VERSION})`,
    { hint: 'update finch, or choose another home with FINCH_HOME' },
  );
}

/**
 * `work`, again while another process has the database: SQLite's own time-out does not cover the switch
 * to WAL, its recovery and the closing of the last connection.
 */
function patiently<T>(path: string, work: () => T): T {
  const start = performance.now();
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (isBusy(error) && performance.now() - start < BUSY_TIMEOUT_MS) {
        Bun.sleepSync(1 + Math.random() * 20);
      } else if (systemCode(error)?.startsWith('SQLITE_')) {
        throw databaseError(error, path);
      } else {
        throw error;
      }
    }
  }
}
