import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { systemCode } from '../../errors.ts';

/**
 * The text of a file, empty where there is none; undefined when it cannot be read, is no file, or is longer than
 * `maxBytes`. Read at once: to start a thread that waits for so small a file would take longer.
 */
export function readText(path: string, maxBytes: number): string | undefined {
  try {
    // A pipe would be read for ever.
    const stats = statSync(path);
    if (!stats.isFile() || stats.size > maxBytes) return undefined;
    const bytes = Buffer.alloc(stats.size);
    return bytes.toString('utf8', 0, fill(bytes, path));
  } catch (error) {
    return systemCode(error) === 'ENOENT' ? '' : undefined;
  }
}

/** @returns how many bytes there were */
function fill(bytes: Uint8Array, path: string): number {
  const fd = openSync(path, 'r');
  try {
    let length = 0;
    for (let read = -1; read !== 0; length += read) {
      read = readSync(fd, bytes, length, bytes.length - length, null);
    }
    return length;
  } finally {
    closeSync(fd);
  }
}
