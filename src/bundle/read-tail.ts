import { open, stat } from 'node:fs/promises';
import { FinchError } from '../errors.ts';
import { ioError } from '../host/io-error.ts';

/**
 * The end of a text file, from the beginning of a line on.
 * @param maxBytes the most that is read
 * @throws FinchError `IO`, also for what is no regular file
 */
export async function readTail(path: string, maxBytes: number): Promise<string> {
  try {
    // A pipe would be waited for.
    if (!(await stat(path)).isFile()) throw new FinchError('IO', `${path} is no regular file`);
    await using handle = await open(path, 'r');
    const { size } = await handle.stat();
    const from = Math.max(0, size - maxBytes);
    const buffer = new Uint8Array(Math.min(size, maxBytes));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, from);
    const text = new TextDecoder().decode(buffer.subarray(0, bytesRead));
    if (from === 0) return text;
    const line = text.indexOf('\n') + 1;
    return `[${from + Buffer.byteLength(text.slice(0, line))} bytes before this are left out]\n${text.slice(line)}`;
  } catch (error) {
    throw ioError(error, 'read', path);
  }
}
