import { systemCode } from '../errors.ts';
import { canLock } from '../host/can-lock.ts';
import { databaseError, isBusy, noLocks } from './database-error.ts';

/** How long another process is waited for. */
const PATIENCE_MS = 10_000;
/** How long SQLite itself waits, in milliseconds, before it says that the database is locked. */
export const BUSY_TIMEOUT_MS = 500;

/**
 * Does `work` on the database at `path`, again while another process has it: SQLite's own time-out does not
 * cover the switch to WAL, its recovery and the closing of the last connection.
 * @throws FinchError for every error of SQLite
 */
export function patiently<T>(path: string, work: () => T): T {
  const start = performance.now();
  let mayHaveNoLocks = true;
  for (;;) {
    try {
      return work();
    } catch (error) {
      const waited = performance.now() - start;
      if (isBusy(error) && waited < PATIENCE_MS) {
        if (mayHaveNoLocks && waited > BUSY_TIMEOUT_MS / 2) {
          if (!canLock(path)) throw noLocks(path, error);
          mayHaveNoLocks = false;
        }
        Bun.sleepSync(1 + Math.random() * 20);
      } else if (systemCode(error)?.startsWith('SQLITE_')) {
        throw databaseError(error, path);
      } else {
        throw error;
      }
    }
  }
}
