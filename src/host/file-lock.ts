import { Database, SQLiteError } from 'bun:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { FinchError } from '../errors.ts';
import { ioError } from './io-error.ts';

const PATIENCE_MS = 10_000;
const POLL_MS = 20;

/**
 * Runs `work` while no other process, and nothing else in this one, holds the lock at `path`. The
 * operating system gives the lock back when a process dies. The empty file at `path` stays.
 * @throws FinchError `IO` when the lock cannot be had within ten seconds; what `work` throws
 */
export async function withFileLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const database = open(path);
  try {
    await acquire(database, path);
    return await work();
  } finally {
    database.close();
  }
}

/** SQLite's lock on a database is one that all systems have and that no crash leaves behind. */
function open(path: string): Database {
  try {
    return new Database(path, { create: true });
  } catch (error) {
    throw lockError(error, path);
  }
}

function lockError(error: unknown, path: string): FinchError {
  if (!(error instanceof SQLiteError)) return ioError(error, 'write', path);
  return new FinchError('IO', `cannot lock ${path}`, {
    hint: `check it and its folder with: ls -ld; remove it when it is no empty file`,
    cause: error,
  });
}

async function acquire(database: Database, path: string): Promise<void> {
  for (const deadline = Date.now() + PATIENCE_MS; ; await sleep(POLL_MS)) {
    try {
      database.run('BEGIN EXCLUSIVE');
      return;
    } catch (error) {
      const isBusy = error instanceof SQLiteError && error.code === 'SQLITE_BUSY';
      if (!isBusy) throw lockError(error, path);
      if (Date.now() > deadline) {
        throw new FinchError('IO', `another program keeps ${path} locked`, {
          hint: 'wait until it is done, and try again',
          cause: error,
        });
      }
    }
  }
}
