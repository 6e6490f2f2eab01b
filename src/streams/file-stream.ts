import { type FileHandle, open } from 'node:fs/promises';
import { FinchError, systemCode } from '../errors.ts';
import { quote } from '../text.ts';

/** 256 KiB: hashing from the file is fastest at this size (64 KiB and 4 MiB are both slower). */
const PIECE_BYTES = 256 * 1024;

/** The part of a file that {@link readRange} reads. */
export interface RangeOptions {
  /** The first byte. */
  readonly start: number;
  /** The byte after the last. */
  readonly end: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The bytes from `start` up to `end` of a file. Every piece is the same buffer, filled again when the
 * next is asked for. The file is opened at the first piece and closed at the end, whatever the end is.
 * @throws FinchError `IO` when the file cannot be read or ends before `end`
 */
export async function* readRange(
  path: string,
  { start, end, signal }: RangeOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  signal?.throwIfAborted();
  if (start >= end) return;
  const handle = await openForReading(path);
  try {
    const buffer = new Uint8Array(Math.min(PIECE_BYTES, end - start));
    for (let position = start; position < end; ) {
      signal?.throwIfAborted();
      const wanted = Math.min(buffer.length, end - position);
      const { bytesRead } = await handle.read(buffer, 0, wanted, position).catch((cause) => {
        throw readError(cause, quote(path));
      });
      if (bytesRead === 0) {
        throw new FinchError('IO', `${quote(path)} became shorter while it was read`);
      }
      position += bytesRead;
      yield bytesRead === buffer.length ? buffer : buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/**
 * Opens a file for reading; the caller closes it.
 * @throws FinchError `IO` when the system refuses
 */
export async function openForReading(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') {
      throw new FinchError('IO', `no such file: ${quote(path)}`, { cause });
    }
    throw readError(cause, quote(path));
  }
}

const REASONS: Readonly<Record<string, { readonly reason: string; readonly hint: string }>> = {
  EIO: { reason: 'the disk reported an error', hint: 'check the disk' },
  EMFILE: { reason: 'too many open files', hint: 'allow more with: ulimit -n 1024' },
  ENXIO: {
    reason: 'it is a socket or a device that is not there',
    hint: 'give a file or a folder',
  },
};

/** The error for `what`, which the system refuses to read. */
export function readError(cause: unknown, what: string): FinchError {
  const code = systemCode(cause) ?? 'unknown error';
  const { reason, ...hint } = REASONS[code] ?? { reason: code };
  return new FinchError('IO', `cannot read ${what}: ${reason}`, { ...hint, cause });
}
