import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import { ioError } from '../host/io-error.ts';
import { redactText } from '../http/redact.ts';
import { printable } from '../text.ts';

/** A longer log begins anew. */
const MAX_BYTES = 1024 * 1024;

/** How much of the end of a log is looked at, and how many lines of it are shown. */
const TAIL_BYTES = 4096;
const TAIL_LINES = 3;

/** A log that a bridge is to write to. */
export interface BridgeLog extends Disposable {
  readonly fd: number;
  /** The last lines that were added since it was opened, in one; empty when there are none. */
  tail(): string;
}

/**
 * Opens a log to be added to, and makes it for this user alone.
 * @throws FinchError `IO`
 */
export function openLog(path: string): BridgeLog {
  const { O_APPEND, O_CREAT, O_NOFOLLOW = 0, O_RDWR } = constants;
  try {
    const fd = openSync(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
    bound(fd);
    const start = fstatSync(fd).size;
    return { fd, tail: () => tailOf(fd, start), [Symbol.dispose]: () => closeSync(fd) };
  } catch (error) {
    throw ioError(error, 'write', path);
  }
}

/** Adds a line, with its time and without secrets, to the log that is this process' stderr. */
export function writeLog(line: string): void {
  try {
    bound(2);
    writeSync(2, `${new Date().toISOString()} ${redactText(printable(line))}\n`);
  } catch {
    // The bridge works without its log.
  }
}

/** Empties a log that has become too long. */
function bound(fd: number): void {
  const found = fstatSync(fd);
  if (found.isFile() && found.size > MAX_BYTES) ftruncateSync(fd, 0);
}

function tailOf(fd: number, start: number): string {
  const { size } = fstatSync(fd);
  const from = Math.max(start, size - TAIL_BYTES);
  const bytes = Buffer.alloc(Math.max(0, size - from));
  readSync(fd, bytes, 0, bytes.length, from);
  const lines = bytes.toString().split('\n').filter(Boolean).slice(-TAIL_LINES);
  return lines.map((line) => redactText(printable(line)).replace(/^finch: /, '')).join('; ');
}
