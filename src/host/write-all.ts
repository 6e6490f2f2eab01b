import { writeSync } from 'node:fs';
import { systemCode } from '../errors.ts';

/** Milliseconds to wait for a reader that is slow: a terminal or pipe that another program set to not block. */
const RETRY_MS = 2;

/**
 * Writes all of `text` to an open file before it returns, so that nothing is lost when the program ends.
 * @throws the operating system's error
 */
export function writeAll(fd: number, text: string): void {
  let rest = new TextEncoder().encode(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      if (systemCode(error) !== 'EAGAIN') throw error;
      Bun.sleepSync(RETRY_MS);
    }
  }
}
