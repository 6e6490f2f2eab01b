import { stat } from 'node:fs/promises';
import { FinchError, type FinchErrorOptions, systemCode } from '../errors.ts';
import { ioError } from '../host/io-error.ts';

/** No configuration is larger than this: 1 MiB. */
const MAX_TEXT_BYTES = 1024 * 1024;

/**
 * The text of a file that the user, or finch, configures finch with; undefined when there is none.
 * @throws FinchError `CONFIG_INVALID` when it is no text or larger than 1 MiB, `IO`
 */
export async function readTextFile(path: string): Promise<string | undefined> {
  try {
    const stats = await stat(path);
    // A pipe would be read for ever, and a device replaced.
    if (!stats.isFile() && !stats.isDirectory()) throw invalidConfig(`${path} is no regular file`);
    const bytes = await Bun.file(path)
      .slice(0, MAX_TEXT_BYTES + 1)
      .bytes();
    if (bytes.length > MAX_TEXT_BYTES) throw invalidConfig(`${path} is larger than 1 MiB`);
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    // Of who has no home it may be `/dev/null`.
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return undefined;
    if (error instanceof TypeError)
      throw invalidConfig(`${path} is not UTF-8 text`, { cause: error });
    throw ioError(error, 'read', path);
  }
}

/**
 * Refuses a text that would be too large to be read again.
 * @throws FinchError `CONFIG_INVALID`
 */
export function checkTextSize(text: string, path: string): void {
  if (Buffer.byteLength(text) <= MAX_TEXT_BYTES) return;
  throw invalidConfig(`${path} would be larger than 1 MiB`, { hint: 'make room in it first' });
}

/** The error about such a file that finch cannot use. */
export function invalidConfig(message: string, options: FinchErrorOptions = {}): FinchError {
  const hint = 'correct the file, or move it away';
  return new FinchError('CONFIG_INVALID', message, { hint, ...options });
}
