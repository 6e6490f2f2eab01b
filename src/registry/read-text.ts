import { stat } from 'node:fs/promises';
import { FinchError, systemCode } from '../errors.ts';
import { ioError } from '../host/io-error.ts';
import { excerpt } from '../text.ts';

/** No `hosts.toml` and no file of certificates is larger than this: 1 MiB. */
const MAX_FILE_BYTES = 1024 * 1024;

/**
 * A text file that belongs to the description of a registry.
 * @returns undefined when there is none
 * @throws FinchError `CONFIG_INVALID` when it is no file, or has more than 1 MiB, `IO`
 */
export async function readText(path: string): Promise<string | undefined> {
  try {
    const found = await stat(path);
    // A pipe could be waited for without end.
    if (!found.isFile()) throw unfit(path, 'is no file', 'check what it is with: ls -ld');
    if (found.size > MAX_FILE_BYTES) throw unfit(path, 'is larger than 1 MiB', 'check what it is');
    return await Bun.file(path).slice(0, MAX_FILE_BYTES).text();
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw ioError(error, 'read', excerpt(path));
  }
}

/** The error for a file that is there and not what it should be. */
export function unfit(path: string, what: string, hint: string): FinchError {
  return new FinchError('CONFIG_INVALID', `${excerpt(path)} ${what}`, { hint });
}
