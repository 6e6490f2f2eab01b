import { closeSync, openSync, readFileSync } from 'node:fs';
import { devNull } from 'node:os';
import { systemCode } from '../errors.ts';

/**
 * How many files and connections this process may have open at once; undefined where the system does not
 * tell, and when there is no limit. https://man7.org/linux/man-pages/man5/proc_pid_limits.5.html
 */
export function openFilesLimit(): number | undefined {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8');
    const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}

/**
 * Whether this process, or the system, has too many files open to open another. Then also a connection that fails
 * says nothing of who is there: the runtime tells of it as one that was refused.
 */
export function isOutOfFiles(): boolean {
  try {
    closeSync(openSync(devNull, 'r'));
    return false;
  } catch (error) {
    return ['EMFILE', 'ENFILE'].includes(systemCode(error) ?? '');
  }
}
