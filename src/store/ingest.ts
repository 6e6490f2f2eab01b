import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { AbortOptions, ByteStream } from '../content.ts';
import { FinchError, systemCode } from '../errors.ts';
import { ioError } from '../host/io-error.ts';
import { ingestName } from '../host/owner.ts';
import { makeReadOnly } from '../host/read-only-file.ts';
import { type Digest, digestParts, toDigest } from '../oci/digest.ts';
import { createLayout, type Layout } from './layout.ts';

/** What is written at once; a file that is known to be smaller gets a smaller buffer. */
const BUFFER_BYTES = 256 * 1024;

/** Bytes that arrived: in a file of their own, on disk, read-only. Disposing of it removes the file if it is still there. */
export interface Ingested extends AsyncDisposable {
  readonly path: string;
  readonly digest: Digest;
  readonly size: number;
}

/** Options of {@link receive}. */
export interface ReceiveOptions extends AbortOptions {
  /** Who writes, as `owner.ts` writes it. */
  readonly owner: string;
  /** What the bytes must be. Default: anything, named by SHA-256. */
  readonly expect?: { readonly digest: Digest; readonly size?: number } | undefined;
  readonly onBytes?: ((count: number) => void) | undefined;
}

/**
 * Writes a stream to a new file in the ingest folder and says what it was. No file is left when it throws.
 * @throws FinchError `CONTENT_MISMATCH` when it is not what was expected, for too many bytes as soon as
 *   they come; `IO`
 */
export async function receive(
  stream: ByteStream,
  layout: Layout,
  { owner, expect, onBytes, signal }: ReceiveOptions,
): Promise<Ingested> {
  const path = join(layout.ingest, ingestName(owner));
  const algorithm = expect === undefined ? 'sha256' : digestParts(expect.digest).algorithm;
  const hasher = new Bun.CryptoHasher(algorithm);
  let size = 0;
  try {
    signal?.throwIfAborted();
    await using file = await createIn(layout, path);
    const bufferBytes = Math.max(1, Math.min(expect?.size ?? BUFFER_BYTES, BUFFER_BYTES));
    await using writer = new BufferedFile(file, { folder: layout.ingest, bufferBytes });
    for await (const piece of stream) {
      signal?.throwIfAborted();
      size += piece.length;
      if (expect?.size !== undefined && size > expect.size) {
        throw mismatch(expect.digest, `more than the expected ${expect.size} bytes came`);
      }
      await writer.write(piece, hasher);
      onBytes?.(piece.length);
    }
    const digest = toDigest(algorithm, hasher.digest('hex'));
    if (expect?.size !== undefined && size !== expect.size) {
      throw mismatch(expect.digest, `${size} bytes came instead of ${expect.size}`);
    }
    if (expect !== undefined && digest !== expect.digest) {
      throw mismatch(expect.digest, `the ${size} bytes that came are ${digest}`);
    }
    await writer.finish();
    return { path, digest, size, [Symbol.asyncDispose]: () => rm(path, { force: true }) };
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

/** What to tell the user about bytes that are not those that `digest` names. */
export function mismatch(digest: Digest, found: string): FinchError {
  return new FinchError('CONTENT_MISMATCH', `content does not match ${digest}: ${found}`, {
    hint: 'try again; if it happens again, the source is damaged',
  });
}

async function createIn(layout: Layout, path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx', 0o600);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw ioError(error, 'write', layout.ingest);
  }
  await createLayout(layout);
  try {
    return await open(path, 'wx', 0o600);
  } catch (error) {
    throw ioError(error, 'write', layout.ingest);
  }
}

/** Gathers pieces and writes one buffer while the next one is filled and hashed. */
class BufferedFile implements AsyncDisposable {
  readonly #file: FileHandle;
  readonly #folder: string;
  #buffer: Uint8Array<ArrayBuffer>;
  #filled = 0;
  #spare: Uint8Array<ArrayBuffer> | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(
    file: FileHandle,
    { folder, bufferBytes }: { readonly folder: string; readonly bufferBytes: number },
  ) {
    this.#file = file;
    this.#folder = folder;
    this.#buffer = new Uint8Array(bufferBytes);
  }

  async write(piece: Uint8Array, hasher: Bun.CryptoHasher): Promise<void> {
    for (let start = 0; start < piece.length; ) {
      const part = piece.subarray(start, start + this.#buffer.length - this.#filled);
      this.#buffer.set(part, this.#filled);
      hasher.update(part);
      this.#filled += part.length;
      start += part.length;
      if (this.#filled === this.#buffer.length) await this.#flush();
    }
  }

  /** Returns when everything is on disk and the file is read-only. */
  async finish(): Promise<void> {
    await this.#writing;
    await this.#writeAll(this.#buffer.subarray(0, this.#filled));
    try {
      await this.#file.datasync();
      await makeReadOnly(this.#file);
    } catch (error) {
      throw ioError(error, 'write', this.#folder);
    }
  }

  /** Waits for the write under way, so that the file is not closed below it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing.catch(() => undefined);
  }

  async #flush(): Promise<void> {
    await this.#writing;
    this.#writing = this.#writeAll(this.#buffer);
    // Whoever waits next meets the error; until then it must not count as unhandled.
    this.#writing.catch(() => undefined);
    const next = this.#spare ?? new Uint8Array(this.#buffer.length);
    this.#spare = this.#buffer;
    this.#buffer = next;
    this.#filled = 0;
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < bytes.length; ) {
        done += (await this.#file.write(bytes, done, bytes.length - done)).bytesWritten;
      }
    } catch (error) {
      throw ioError(error, 'write', this.#folder);
    }
  }
}
