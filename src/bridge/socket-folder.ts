import { lstatSync } from 'node:fs';
import { rm, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { MachineFolder } from '../vm/machine-folder.ts';

/**
 * Whether a folder, and no link to one, is this user's alone. In a folder that all can write to, another user may have
 * made what has its name.
 */
export function isPrivateFolder(path: string): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined || !found.isDirectory()) return false;
  return process.platform === 'win32' || ((found.mode & 0o077) === 0 && found.uid === ownId());
}

/**
 * Removes a socket, and the folder that was made for it where it has one of its own. Nothing in a folder that is not
 * this user's alone.
 * @throws the system's error
 */
export async function removeSocket({ path }: MachineFolder, socket: string): Promise<void> {
  const folder = dirname(socket);
  if (folder === path) return rm(socket, { force: true });
  if (!isPrivateFolder(folder)) return;
  if (lstatSync(socket, { throwIfNoEntry: false })?.isSocket()) await rm(socket, { force: true });
  await rmdir(folder).catch(() => {});
}

function ownId(): number | undefined {
  return process.getuid?.();
}
