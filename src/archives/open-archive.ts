import { createReadStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { AbortOptions, ByteStream } from '../content.ts';
import { FinchError, systemCode } from '../errors.ts';
import { readAbortable } from '../host/abortable-stream.ts';
import { ioError } from '../host/io-error.ts';
import { decompress, sniffCompression } from '../streams/decompress.ts';
import { Expansion } from '../streams/expansion.ts';
import { readRange } from '../streams/file-stream.ts';
import { peek } from '../streams/peek.ts';
import { parseTarHeader, TAR_BLOCK_BYTES } from '../streams/tar-header.ts';
import { scanTar } from '../streams/tar-reader.ts';
import { quote } from '../text.ts';
import type { FileTree } from './file-tree.ts';
import { folderTree } from './folder-tree.ts';
import { spool } from './spool.ts';
import { tarTree } from './tar-tree.ts';

/** Where an archive comes from: a file or folder of this machine, or standard input. */
export type ArchiveInput = { readonly path: string } | { readonly stream: ByteStream };

/** An archive that is open for reading. Disposing of it removes what had to be unpacked. */
export interface Archive extends AsyncDisposable {
  /** The archive in messages, for example `"images.tar"`. */
  readonly what: string;
  readonly tree: FileTree;
}

/** Options of {@link openArchive}. */
export interface OpenArchiveOptions extends AbortOptions {
  /** Where a compressed or streamed archive is unpacked to. */
  readonly spoolFolder: string;
  /** Bytes that a compressed archive may become, should they be over 200 times its own. Default: 4 GiB. */
  readonly unpackedBytes?: number;
}

/**
 * Opens an archive: a plain tar file or a folder where it lies; a tar that is compressed with gzip or
 * zstd, or comes as a stream, through a temporary file.
 * @throws FinchError `ARCHIVE_INVALID` when it is none of these or damaged; `IO`
 */
export async function openArchive(
  input: ArchiveInput,
  options: OpenArchiveOptions,
): Promise<Archive> {
  const { signal } = options;
  if ('stream' in input) return unpack(input.stream, { ...options, what: 'standard input' });
  const { path } = input;
  const what = quote(path);
  const stats = await stat(path).catch((error: unknown) => {
    if (systemCode(error) !== 'ENOENT') throw ioError(error, 'read', path);
    throw new FinchError('IO', `no such file: ${what}`, {
      hint: 'check the path, which starts at the current folder unless it starts with /',
      cause: error,
    });
  });
  if (stats.isDirectory()) return { what, tree: folderTree(path), [Symbol.asyncDispose]: nothing };
  // A pipe or a device has no size, and can be read once.
  if (!stats.isFile()) return unpack(readOnce(path, { signal }), { ...options, what });
  const file = readRange(path, { start: 0, end: stats.size, signal });
  const { head, whole } = await peek(file, TAR_BLOCK_BYTES);
  if (sniffCompression(head) !== 'none') return unpack(whole, { ...options, what });
  await whole.return();
  checkTar(head, what);
  return { what, tree: await openTar(path, what, signal), [Symbol.asyncDispose]: nothing };
}

/** A hint for whoever has a file of another kind. */
export const READABLE_FORMATS = 'finch load reads docker-archive, OCI archive and OCI layout files';

/** The error about what is something else than an archive of images. */
export function notAnArchive(what: string): FinchError {
  return new FinchError('ARCHIVE_INVALID', `${what} is not an image archive`, {
    hint: READABLE_FORMATS,
  });
}

/** Less than layers may become: this goes to the disk. */
const UNPACKED_BYTES = 4 * 1024 ** 3;

interface UnpackOptions extends OpenArchiveOptions {
  readonly what: string;
}

async function unpack(source: ByteStream, options: UnpackOptions): Promise<Archive> {
  const { what, spoolFolder, unpackedBytes = UNPACKED_BYTES, signal } = options;
  const expansion = new Expansion({
    bytes: unpackedBytes,
    hint: 'if you trust it, unpack it with gzip -d or zstd -d and load what comes out',
  });
  const plain = onlyTar(decompress(source, { what, expansion, signal }), what);
  const path = await spool(plain, { folder: spoolFolder, signal });
  const remove = () => rm(path, { force: true });
  try {
    return { what, tree: await openTar(path, what, signal), [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function openTar(path: string, what: string, signal?: AbortSignal): Promise<FileTree> {
  return tarTree(path, { members: await scanTar(path, { what, signal }), what });
}

/** Passes a tar on, and stops at the first piece of anything else, before it fills the disk. */
async function* onlyTar(source: ByteStream, what: string): ByteStream {
  const { head, whole } = await peek(source, TAR_BLOCK_BYTES);
  try {
    checkTar(head, what);
    yield* whole;
  } finally {
    await whole.return();
  }
}

function checkTar(head: Uint8Array, what: string): void {
  if (head.length === 0) {
    throw new FinchError('ARCHIVE_INVALID', `${what} is empty`, {
      hint: 'name the archive with: finch load -i FILE',
    });
  }
  if (!isTar(head)) throw notAnArchive(what);
}

/** A file that is no regular one. Waiting for a pipe ends with the signal. */
async function* readOnce(path: string, { signal }: AbortOptions): ByteStream {
  try {
    const web: ReadableStream<Uint8Array> = Readable.toWeb(createReadStream(path));
    yield* readAbortable(web, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw ioError(error, 'read', path);
  }
}

function isTar(head: Uint8Array): boolean {
  const block = head.subarray(0, TAR_BLOCK_BYTES);
  if (block.length < TAR_BLOCK_BYTES) return false;
  return parseTarHeader(block) !== undefined;
}

async function nothing(): Promise<void> {}
