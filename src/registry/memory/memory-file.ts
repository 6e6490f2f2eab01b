import { constants, Database, type SQLQueryBindings } from 'bun:sqlite';
import {
  chmodSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { systemCode } from '../../errors.ts';
import {
  CLOCK_SLACK_MS,
  MEMORY_TABLES,
  MEMORY_VERSION,
  MOST_PLACES,
  PLACE_LIFE_MS,
  TRAIT_LIFE_MS,
  UPLOAD_LIFE_MS,
} from './memory-schema.ts';

/** How long SQLite waits for another process, in milliseconds: all of this process waits with it. */
const BUSY_TIMEOUT_MS = 200;

/** How long one piece of work is tried while another process has the file, in milliseconds. */
const PATIENCE_MS = 300;

/** After so many waits in vain the file is given up. */
const MAX_BUSY = 3;

/** What SQLite says about a file that is none of its own, or is no more. */
const DAMAGED = ['SQLITE_CORRUPT', 'SQLITE_NOTADB', 'SQLITE_ERROR'];

/** The name that a damaged file gets, in place of one that had it before. */
const DAMAGED_SUFFIX = '.damaged';

type Bindings = readonly SQLQueryBindings[];

/** Where {@link MemoryFile} is, and who hears when it cannot be used. */
export interface MemoryFileOptions {
  readonly path: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Hears each reason once. */
  readonly onTrouble: (why: string) => void;
}

/**
 * A database that can be done without. It is opened at the first use; a damaged one is set aside and begun
 * anew; one that a newer finch made, or that cannot be read or written, is left alone, and all that is asked of
 * it is undefined. Only its owner can read it.
 */
export class MemoryFile implements Disposable {
  readonly #options: MemoryFileOptions;
  #database: Database | undefined;
  /** Which file was opened. */
  #inode: bigint | undefined;
  #isGivenUp = false;
  #mayMend = true;
  #isSwept = false;
  #timesBusy = 0;

  constructor(options: MemoryFileOptions) {
    this.#options = options;
  }

  /** Every row of the answer. `Row` is what the statement selects. A file that is not there is not made for it. */
  all<Row>(sql: string, ...bindings: Bindings): readonly Row[] {
    if (this.#database === undefined && !existsSync(this.#options.path)) return [];
    return (
      this.#use((database) => database.query<Row, SQLQueryBindings[]>(sql).all(...bindings)) ?? []
    );
  }

  /** How many rows a statement changed; undefined when it could not be run. */
  run(sql: string, ...bindings: Bindings): number | undefined {
    return this.#use((database) => database.query(sql).run(...bindings).changes);
  }

  /** Runs a statement for each of many rows, all or none of them; the first time what is too old is forgotten too. */
  runEach(sql: string, rows: readonly Bindings[]): void {
    if (rows.length === 0) return;
    this.#use((database) => {
      const statement = database.query(sql);
      const all = database.transaction(() => {
        for (const row of rows) statement.run(...row);
        if (!this.#isSwept) sweep(database, this.#options.now());
      });
      all.immediate();
      this.#isSwept = true;
    });
  }

  /** Closes it, for good. */
  [Symbol.dispose](): void {
    this.#isGivenUp = true;
    this.#close();
  }

  #use<T>(work: (database: Database) => T): T | undefined {
    const start = performance.now();
    while (!this.#isGivenUp) {
      try {
        this.#database ??= this.#open();
        return work(this.#database);
      } catch (error) {
        if (!this.#recover(error, performance.now() - start)) return undefined;
      }
    }
    return undefined;
  }

  /** Whether it is worth another try. */
  #recover(error: unknown, waitedMs: number): boolean {
    if (error instanceof Unusable) return this.#giveUp(error.message);
    const code = systemCode(error);
    // A programmer's mistake stays one.
    if (code === undefined) throw error;
    if (code.startsWith('SQLITE_BUSY')) return this.#hasPatience(waitedMs);
    this.#close();
    if (!DAMAGED.some((start) => code.startsWith(start)) || !this.#mayMend) {
      return this.#giveUp(code);
    }
    this.#mayMend = false;
    const { path, onTrouble } = this.#options;
    try {
      setAside(path, this.#inode);
    } catch {
      return this.#giveUp(code);
    }
    onTrouble(
      `${path} was damaged (${code}) and begun anew; the old one is ${path}${DAMAGED_SUFFIX}`,
    );
    return true;
  }

  /** SQLite's own time-out does not cover the switch to WAL, nor its recovery. */
  #hasPatience(waitedMs: number): boolean {
    if (waitedMs < PATIENCE_MS) {
      Bun.sleepSync(1 + Math.random() * 20);
      return true;
    }
    this.#timesBusy += 1;
    return this.#timesBusy < MAX_BUSY ? false : this.#giveUp('another program has locked it');
  }

  #giveUp(why: string): false {
    this.#isGivenUp = true;
    this.#close();
    this.#options.onTrouble(`${this.#options.path} cannot be used: ${why}`);
    return false;
  }

  #close(): void {
    try {
      this.#database?.close();
    } catch {
      // Busy or damaged: it ends with the process.
    }
    this.#database = undefined;
  }

  #open(): Database {
    const { path } = this.#options;
    makePrivate(path);
    this.#inode = inodeOf(path);
    const flags = constants.SQLITE_OPEN_READWRITE | constants.SQLITE_OPEN_CREATE;
    const database = new Database(path, flags);
    try {
      database.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
      // No process that is killed loses anything by it, and what a power cut damages is begun anew.
      database.run('PRAGMA synchronous = OFF');
      const version = versionOf(database);
      if (version > MEMORY_VERSION) throw new Unusable('a newer finch made it');
      database.run('PRAGMA journal_mode = WAL');
      database.run('PRAGMA secure_delete = ON');
      if (version < MEMORY_VERSION) create(database);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  }
}

/** The file is there, and must be left alone; the message says why. */
class Unusable extends Error {}

/** Its side files get the mode of the file. https://sqlite.org/tempfiles.html#write_ahead_log_wal_files */
function makePrivate(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  // Opening a pipe would not end, and what a link leads to is somebody else's.
  if (lstatSync(path, { throwIfNoEntry: false })?.isFile() === false) {
    throw new Unusable('it is not a file');
  }
  closeSync(openSync(path, 'a', 0o600));
  for (const one of [path, `${path}-wal`, `${path}-shm`]) {
    const mode = statSync(one, { throwIfNoEntry: false })?.mode ?? 0;
    if ((mode & 0o077) !== 0) chmodSync(one, 0o600);
  }
}

/** Unless another process has done so since the file was opened. */
function setAside(path: string, inode: bigint | undefined): void {
  if (inodeOf(path) !== inode) return;
  renameSync(path, `${path}${DAMAGED_SUFFIX}`);
  for (const suffix of ['-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true });
}

function inodeOf(path: string): bigint | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino;
}

function create(database: Database): void {
  const steps = database.transaction(() => {
    // Another process may have been faster.
    if (versionOf(database) >= MEMORY_VERSION) return;
    database.run(MEMORY_TABLES);
    database.run(`PRAGMA user_version = ${MEMORY_VERSION}`);
  });
  steps.immediate();
}

function versionOf(database: Database): number {
  const row = database.query<{ user_version: number }, []>('PRAGMA user_version').get();
  return row?.user_version ?? 0;
}

/** Forgets what is too old to be of use, or to be counted, also a damaged file that held it. */
function sweep(database: Database, now: number): void {
  const damaged = `${database.filename}${DAMAGED_SUFFIX}`;
  const setAsideAt = lstatSync(damaged, { throwIfNoEntry: false })?.ctimeMs ?? now;
  if (now - setAsideAt > UPLOAD_LIFE_MS) rmSync(damaged, { force: true });
  const latest = now + CLOCK_SLACK_MS;
  database.run('DELETE FROM uploads WHERE updated_at NOT BETWEEN ? AND ?', [
    now - UPLOAD_LIFE_MS,
    latest,
  ]);
  database.run('DELETE FROM traits WHERE learned_at NOT BETWEEN ? AND ?', [
    now - TRAIT_LIFE_MS,
    latest,
  ]);
  database.run('DELETE FROM places WHERE seen_at < ?', [now - PLACE_LIFE_MS]);
  database.run(
    `DELETE FROM places
     WHERE seen_at < (SELECT seen_at FROM places ORDER BY seen_at DESC LIMIT 1 OFFSET ?)`,
    [MOST_PLACES],
  );
}
