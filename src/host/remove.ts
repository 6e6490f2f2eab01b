import { rm } from 'node:fs/promises';
import { ioError } from './io-error.ts';

/**
 * Removes a file, or a folder with all that is in it. What is gone already is no error.
 * @throws FinchError `IO`
 */
export async function remove(path: string): Promise<void> {
  try {
    await rm(path, { force: true, recursive: true });
  } catch (error) {
    throw ioError(error, 'write', path);
  }
}
