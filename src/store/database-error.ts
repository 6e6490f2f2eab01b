import { FinchError, systemCode } from '../errors.ts';
import { ACCESS_HINT, SPACE_HINT } from '../host/io-error.ts';

/** Whether another process has locked the database. */
export function isBusy(error: unknown): boolean {
  return systemCode(error)?.startsWith('SQLITE_BUSY') === true;
}

/** Whether the reason is that the file or its folder cannot be written to. */
export function isUnwritable(error: unknown): boolean {
  const code = systemCode(error instanceof FinchError ? error.cause : error) ?? '';
  return code.startsWith('SQLITE_READONLY') || code.startsWith('SQLITE_CANTOPEN');
}

/** What to tell the user about an error of SQLite. A programmer's mistake comes back as it is. */
export function databaseError(error: unknown, path: string): unknown {
  const code = systemCode(error) ?? '';
  const is = (...codes: readonly string[]) => codes.some((start) => code.startsWith(start));
  if (is('SQLITE_BUSY')) {
    return new FinchError('IO', `the store ${path} is locked by another program`, {
      cause: error,
      hint: 'try again when the other finch has ended',
    });
  }
  if (is('SQLITE_CORRUPT', 'SQLITE_NOTADB')) {
    return new FinchError('STORE_UNUSABLE', `the store ${path} is damaged`, {
      cause: error,
      hint: `rename ${path}; finch then reads the images again that index.json beside it names`,
    });
  }
  if (is('SQLITE_FULL')) {
    return new FinchError('IO', `cannot write ${path}: no space left on the disk`, {
      cause: error,
      hint: SPACE_HINT,
    });
  }
  if (is('SQLITE_READONLY', 'SQLITE_CANTOPEN', 'SQLITE_PERM')) {
    return new FinchError('IO', `cannot open ${path} for writing`, {
      cause: error,
      hint: ACCESS_HINT,
    });
  }
  if (is('SQLITE_IOERR')) {
    return new FinchError('IO', `cannot use ${path}: the disk reported an error (${code})`, {
      cause: error,
    });
  }
  return error;
}
