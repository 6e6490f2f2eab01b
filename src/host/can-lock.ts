import { constants, Database } from 'bun:sqlite';
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemCode } from '../errors.ts';
import { TEMPORARY_PREFIX } from './atomic-file.ts';

/** What SQLite makes of a system that does not lock. */
const NO_LOCK = /^SQLITE_(?:BUSY|PROTOCOL|IOERR_\w*LOCK|IOERR_SHMMAP)/;

/**
 * Whether files in the folder of `path` can be locked, found out with a file that nobody else knows: of one
 * that is in use, SQLite does not tell "locked" from "no locks here".
 */
export function canLock(path: string): boolean {
  const own = join(dirname(path), `${TEMPORARY_PREFIX}${crypto.randomUUID()}.tmp`);
  try {
    using database = new Database(
      own,
      constants.SQLITE_OPEN_READWRITE | constants.SQLITE_OPEN_CREATE,
    );
    database.run('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    return !NO_LOCK.test(systemCode(error) ?? '');
  } finally {
    rmSync(own, { force: true });
  }
}
