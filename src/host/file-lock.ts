import { Database, SQLiteError } from 'bun:sqlite';
import { closeSync, existsSync, fchownSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AbortOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import { canLock } from './can-lock.ts';
import { ioError } from './io-error.ts';

const PATIENCE_MS = 10_000;
const POLL_MS = 20;

/** Options of {@link withFileLock}. */
export interface FileLockOptions extends AbortOptions {
  /** How long to wait for the lock, in milliseconds. Default: ten seconds. */
  readonly patienceMs?: number;
  /** Called once when somebody else has it. */
  readonly onWait?: () => void;
}

/**
 * Runs `work` while no other process, and nothing else in this one, holds the lock at `path`. The
 * operating system gives the lock back when a process dies. The empty file at `path` stays.
 * @throws FinchError `IO` when the lock cannot be had in time; the signal's reason; what `work` throws
 */
export async function withFileLock<T>(
  path: string,
  work: () => Promise<T>,
  options: FileLockOptions = {},
): Promise<T> {
  const database = open(path);
  try {
    const busy = await acquire(database, path, options);
    if (busy === undefined) return await work();
    throw new FinchError('IO', `another program keeps ${path} locked`, {
      hint: 'wait until it is done, and try again',
      cause: busy,
    });
  } finally {
    database.close();
  }
}

/**
 * Takes the lock at `path` for as long as this process lives, or until it is disposed of. Undefined when another
 * program keeps it.
 * @throws FinchError `IO`; the signal's reason
 */
export async function holdFileLock(
  path: string,
  options: FileLockOptions = {},
): Promise<Disposable | undefined> {
  const database = open(path);
  try {
    const busy = await acquire(database, path, options);
    if (busy === undefined) return { [Symbol.dispose]: () => database.close() };
  } catch (error) {
    database.close();
    throw error;
  }
  database.close();
  return undefined;
}

/**
 * Whether some program holds the lock at `path`. Where nothing is, nobody does.
 * @throws FinchError `IO`
 */
export function isLocked(path: string): boolean {
  if (!existsSync(path)) return false;
  const database = open(path);
  try {
    // Readers of an empty database are in nobody's way, but for the one who holds it alone.
    database.query('SELECT 1 FROM sqlite_master').all();
    return false;
  } catch (error) {
    if (isBusy(error)) return true;
    throw lockError(error, path);
  } finally {
    database.close();
  }
}

/** SQLite's lock on a database is one that all systems have and that no crash leaves behind. */
function open(path: string): Database {
  makePrivate(path);
  try {
    return new Database(path, { create: true });
  } catch (error) {
    throw lockError(error, path);
  }
}

/**
 * A lock is its owner's alone. One that root makes in the folder of a user (`sudo finch login`) belongs to that user,
 * who could not lock anything there otherwise.
 */
function makePrivate(path: string): void {
  if (existsSync(path)) return;
  try {
    const fd = openSync(path, 'wx', 0o600);
    try {
      const { uid, gid } = statSync(dirname(path));
      if (process.getuid?.() === 0) fchownSync(fd, uid, gid);
    } finally {
      closeSync(fd);
    }
  } catch {
    // It is there already, or else SQLite says what is wrong.
  }
}

function lockError(error: unknown, path: string): FinchError {
  if (!(error instanceof SQLiteError)) return ioError(error, 'write', path);
  const foreign = ofAnother(path);
  if (foreign !== undefined) {
    return new FinchError('IO', `cannot lock ${path}: another user owns ${foreign}`, {
      hint: `take it back, if finch was run with sudo: sudo chown -R "$(id -u)" ${dirname(path)}`,
      cause: error,
    });
  }
  return new FinchError('IO', `cannot lock ${path}`, {
    hint: `check it and its folder with: ls -ld; remove it when it is no empty file`,
    cause: error,
  });
}

/** The folder of a lock, or the lock, where it belongs to somebody else. */
function ofAnother(path: string): string | undefined {
  const uid = process.getuid?.();
  return [dirname(path), path].find((it) => {
    try {
      return uid !== undefined && uid !== 0 && statSync(it).uid !== uid;
    } catch {
      return false;
    }
  });
}

/** Undefined when this process has the lock now, else what says that another one kept it all the time. */
async function acquire(
  database: Database,
  path: string,
  { patienceMs = PATIENCE_MS, onWait, signal }: FileLockOptions,
): Promise<SQLiteError | undefined> {
  const deadline = Date.now() + patienceMs;
  for (let look = 1; ; look++) {
    const busy = tryLock(database, path);
    if (busy === undefined || Date.now() >= deadline) return busy;
    if (look === 1 && !canLock(path)) {
      throw new FinchError('IO', `the file system of ${dirname(path)} has no file locks`, {
        hint: 'choose a home on a local disk with FINCH_HOME',
        cause: busy,
      });
    }
    // At the first look it may be somebody who only sees whether it is locked.
    if (look === 2) onWait?.();
    signal?.throwIfAborted();
    await sleep(POLL_MS);
  }
}

/** Undefined when this process has the lock now, else what says that another one has it. */
function tryLock(database: Database, path: string): SQLiteError | undefined {
  try {
    // Or SQLite makes a file beside it, which needs space on the disk and outlives a killed process.
    database.run('PRAGMA journal_mode = MEMORY');
    database.run('BEGIN EXCLUSIVE');
    return undefined;
  } catch (error) {
    if (isBusy(error)) return error;
    throw lockError(error, path);
  }
}

function isBusy(error: unknown): error is SQLiteError {
  return error instanceof SQLiteError && error.code === 'SQLITE_BUSY';
}
