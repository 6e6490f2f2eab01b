import { posix } from 'node:path';

/** Drives of Windows are below this folder in its virtual machine. */
const DRIVES = '/mnt';

/** The path of a drive at the beginning of a word, or behind what may stand before a path in one. */
const DRIVE_PATH = /(^|[=,])([A-Za-z]):[\\/]([^:,]*)/g;

/** A path from the folder in which the user is: `.\web`, `..\web`. */
const RELATIVE_PATH = /^\.{1,2}\\[^:]*/;

/**
 * A word of a command line as a virtual machine of Windows understands it: `C:\web` is `/mnt/c/web` there, also in
 * `type=bind,source=C:\web,target=/web` and in `C:\web:/web:ro`. Every other word stays as it is.
 */
export function guestWord(word: string): string {
  if (RELATIVE_PATH.test(word)) {
    return word.replace(RELATIVE_PATH, (path) => path.replaceAll('\\', '/'));
  }
  return word.replace(
    DRIVE_PATH,
    (_, before: string, drive: string, rest: string) =>
      `${before}${posix.join(DRIVES, drive.toLowerCase(), rest.replaceAll('\\', '/'))}`,
  );
}

/** Whether a virtual machine sees `path`, when it sees what is below `folders`. Absolute paths, without links. */
export function isBelow(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => {
    const base = folder.replace(/\/+$/, '');
    return path === base || path.startsWith(`${base}/`);
  });
}
