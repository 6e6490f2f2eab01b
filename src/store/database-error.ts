import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { FinchError, systemCode } from '../errors.ts';
import { TEMPORARY_PREFIX } from '../host/atomic-file.ts';
import { ACCESS_HINT, ioError, SPACE_HINT } from '../host/io-error.ts';

/** What `finch store repair` can mend. */
export const REPAIR_HINT = 'run: finch store repair';

/** More than a file system keeps in the last block of another file. */
const PROBE_BYTES = 64 * 1024;

const NO_SPACE = ['SQLITE_FULL', 'SQLITE_IOERR_WRITE', 'SQLITE_IOERR_SHMSIZE'];
const UNWRITABLE = ['SQLITE_READONLY', 'SQLITE_CANTOPEN'];
const NO_LOCKS = [
  ...['SQLITE_IOERR_LOCK', 'SQLITE_IOERR_RDLOCK', 'SQLITE_IOERR_CHECKRESERVEDLOCK'],
  ...['SQLITE_IOERR_UNLOCK', 'SQLITE_IOERR_SHMLOCK', 'SQLITE_IOERR_SHMMAP', 'SQLITE_PROTOCOL'],
];

/** Whether another process has locked the database. */
export function isBusy(error: unknown): boolean {
  return hasSqliteCode(error, ['SQLITE_BUSY']);
}

/** Whether the reason is that the file or its folder cannot be written to. */
export function isUnwritable(error: unknown): boolean {
  return hasSqliteCode(error, UNWRITABLE);
}

/** Whether the reason is that there is no space, or may be: SQLite does not tell a used-up quota from a broken disk. */
export function isOutOfSpace(error: unknown): boolean {
  return hasSqliteCode(error, NO_SPACE);
}

/** What to tell the user about an error of SQLite on the database at `path`. */
export function databaseError(error: unknown, path: string): FinchError {
  const code = systemCode(error) ?? '';
  if (isBusy(error)) {
    return new FinchError('IO', `the store ${path} is locked by another program`, {
      cause: error,
      hint: 'try again when the other finch has ended',
    });
  }
  if (hasSqliteCode(error, NO_LOCKS)) return noLocks(path, error);
  if (isOutOfSpace(error)) return outOfSpace(path, error);
  if (hasSqliteCode(error, [...UNWRITABLE, 'SQLITE_PERM', 'SQLITE_AUTH'])) {
    return new FinchError('IO', `cannot open ${path} for writing`, {
      cause: error,
      hint: ACCESS_HINT,
    });
  }
  if (hasSqliteCode(error, ['SQLITE_IOERR', 'SQLITE_NOMEM'])) {
    const reason = refusalToWrite(path, error);
    if (reason !== undefined) return reason;
    return new FinchError('IO', `cannot use ${path}: the disk reported an error (${code})`, {
      cause: error,
      hint: 'check the disk, or choose another home with FINCH_HOME',
    });
  }
  // A schema without what finch expects, rows that break their rules: nobody else writes here.
  return damagedDatabase(path, error);
}

/** The error about a database that is not, or not any more, what finch made. */
export function damagedDatabase(path: string, cause?: unknown): FinchError {
  return new FinchError('STORE_UNUSABLE', `the store ${path} is damaged`, {
    hint: REPAIR_HINT,
    cause,
  });
}

/** The error about a folder in which programs cannot keep out of each other's way. */
export function noLocks(path: string, cause?: unknown): FinchError {
  const message = `the file system of ${dirname(path)} has no file locks, and the store needs them`;
  const hint = 'choose a home on a local disk with FINCH_HOME';
  return new FinchError('IO', message, { cause, hint });
}

function outOfSpace(path: string, cause: unknown): FinchError {
  const message = `cannot write ${path}: no space left on the disk, or the disk reported an error`;
  return refusalToWrite(path, cause) ?? new FinchError('IO', message, { cause, hint: SPACE_HINT });
}

/** What the system says to someone who writes a file there, as SQLite does not pass it on; undefined when that works. */
function refusalToWrite(path: string, cause: unknown): FinchError | undefined {
  const own = temporaryBeside(path);
  try {
    const file = openSync(own, 'wx');
    try {
      writeSync(file, new Uint8Array(PROBE_BYTES).fill(1));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    return undefined;
  } catch (error) {
    const { message, hint } = ioError(error, 'write', path);
    return new FinchError('IO', message, { cause, hint: hint ?? SPACE_HINT });
  } finally {
    rmSync(own, { force: true });
  }
}

function temporaryBeside(path: string): string {
  return join(dirname(path), `${TEMPORARY_PREFIX}${crypto.randomUUID()}.tmp`);
}

function hasSqliteCode(error: unknown, starts: readonly string[]): boolean {
  const code = systemCode(error instanceof FinchError ? error.cause : error) ?? '';
  return starts.some((start) => code.startsWith(start));
}
