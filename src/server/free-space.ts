import { statfs } from 'node:fs/promises';
import { FinchError } from '../errors.ts';
import { SPACE_HINT } from '../host/io-error.ts';

/**
 * Checks, before they come, that there is space for bytes in a folder.
 * @throws FinchError `IO`
 */
export async function requireSpace(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bytes <= bavail * bsize) return;
  const message = `cannot write ${folder}: the disk has no space for ${bytes} bytes`;
  throw new FinchError('IO', message, { hint: SPACE_HINT });
}
