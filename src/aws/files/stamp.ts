import { statSync } from 'node:fs';

/** What changes when a file does; empty where there is none. */
export function stampOf(path: string | undefined): string {
  if (path === undefined) return '';
  try {
    const { mtimeMs, size, ino } = statSync(path);
    return `${mtimeMs} ${size} ${ino}`;
  } catch {
    return '';
  }
}
