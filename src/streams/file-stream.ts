import { readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { FinchError, systemCode } from '../errors.ts';
import { quote } from '../text.ts';

/** 512 KiB: sending a file costs least at this size, and hashing it no more than at less. */
const PIECE_BYTES = 512 * 1024;

/** Milliseconds of reading after which other work of the program gets its turn. */
const TURN_MS = 8;

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
 * Pieces are read on the spot: a thread that does it takes a third more of the processor's time.
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
    let lastTurn = performance.now();
    for (let position = start; position < end; ) {
      if (performance.now() - lastTurn > TURN_MS) {
        await turn();
        lastTurn = performance.now();
      }
      signal?.throwIfAborted();
      const piece = buffer.subarray(0, Math.min(buffer.length, end - position));
      const length = fill(piece, { path, handle, position });
      position += length;
      yield piece.subarray(0, length);
    }
  } finally {
    await handle.close();
  }
}

function fill(
  piece: Uint8Array,
  { path, handle, position }: { path: string; handle: FileHandle; position: number },
): number {
  let length: number;
  try {
    length = readSync(handle.fd, piece, 0, piece.length, position);
  } catch (cause) {
    throw readError(cause, quote(path));
  }
  if (length > 0) return length;
  throw new FinchError('IO', `${quote(path)} became shorter while it was read`);
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
