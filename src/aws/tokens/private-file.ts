import { lchown, mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { followLinks, removeTemporary, stageFile } from '../../host/atomic-file.ts';

/** What is remembered is worth no longer wait: a program that is stopped may hold the lock for hours. */
const PATIENCE_MS = 500;

/** Who writes, in the names of temporary files. */
const OWNER = 'ecr';

/**
 * Writes what `edit` gives in place of the file at `path`, for this user alone, while no other finch writes
 * it; undefined leaves it as it is. Folders that are missing are made. What root makes in the folder of a user
 * belongs to that user, who could not read it otherwise.
 * @throws FinchError `IO`; the system's error
 */
export async function editPrivateFile(
  path: string,
  edit: () => Promise<string | undefined>,
): Promise<void> {
  await makeFolder(dirname(path));
  const { withFileLock } = await import('../../host/file-lock.ts');
  const target = await followLinks(path);
  const write = async () => {
    const text = await edit();
    if (text === undefined) return;
    await removeTemporary(target, { owner: OWNER });
    const bytes = new TextEncoder().encode(text);
    await using staged = await stageFile(target, bytes, { mode: 0o600, owner: OWNER });
    await shareWithOwner(staged.temporaryPath);
    staged.publish();
  };
  await withFileLock(`${target}.lock`, write, { patienceMs: PATIENCE_MS });
}

/**
 * Makes a folder, and those above it that are missing, for this user alone.
 * @throws the system's error
 */
export async function makeFolder(path: string): Promise<void> {
  const folder = resolve(path);
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  const made = [folder];
  for (let above = dirname(folder); above.length >= first.length; above = dirname(above)) {
    made.unshift(above);
  }
  for (const each of made) await shareWithOwner(each);
}

/** Gives what root has made to the owner of the folder that it is in. */
async function shareWithOwner(path: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = await stat(dirname(path));
  // Never what a link leads to, which the owner of the folder may have put in its place meanwhile.
  await lchown(path, uid, gid);
}
