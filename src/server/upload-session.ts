import { type FileHandle, open, truncate } from 'node:fs/promises';
import type { ByteStream } from '../content.ts';
import { ioError } from '../host/io-error.ts';
import { type Digest, type DigestAlgorithm, toDigest } from '../oci/digest.ts';
import { digestAll } from '../streams/digest-stream.ts';
import { readRange } from '../streams/file-stream.ts';
import { RegistryError } from './registry-error.ts';

/** What names an upload to its client. */
export interface UploadPlace {
  readonly id: string;
  /** The path under which the client began it. */
  readonly repository: string;
}

/** How {@link UploadSession} begins. */
export interface UploadStart {
  /** An empty file. */
  readonly path: string;
  readonly usedAt: Date;
  /** What the client is expected to name the blob by. */
  readonly algorithm: DigestAlgorithm;
}

/** A request that uses an upload. */
export interface UploadUser {
  /** Tells it to stop. */
  readonly signal: AbortSignal;
  /** When it no longer uses it. */
  readonly done: Promise<void>;
  stop(reason: Error): void;
}

/** The bytes of one upload that came so far, in a file, and their digest. */
export class UploadSession implements UploadPlace {
  readonly id: string;
  readonly repository: string;
  readonly path: string;
  /** When a request last used it. */
  usedAt: Date;
  /** The request that uses it now. */
  user: UploadUser | undefined;
  /**
   * Where a body began that broke off and did not say where it belongs. Who asks how much is here goes on
   * after what came of it; who does not sends it again.
   */
  brokenAt: number | undefined;
  #size = 0;
  readonly #algorithm: DigestAlgorithm;
  /** Has seen what is in the file; undefined when it may have seen something else. */
  #hasher: Bun.CryptoHasher | undefined;

  constructor({ id, repository }: UploadPlace, { path, usedAt, algorithm }: UploadStart) {
    this.id = id;
    this.repository = repository;
    this.path = path;
    this.usedAt = usedAt;
    this.#algorithm = algorithm;
    this.#hasher = new Bun.CryptoHasher(algorithm);
  }

  /** Bytes that are here. */
  get size(): number {
    return this.#size;
  }

  /**
   * Adds bytes at the end. What came before a stream failed stays: the client can go on from there.
   * @param length bytes that the stream must have; when it has not, nothing is added. Default: any
   * @throws RegistryError 400 `SIZE_INVALID`
   * @throws FinchError `IO`, with as much added as there was space for
   */
  async append(stream: ByteStream, { length }: { readonly length?: number } = {}): Promise<void> {
    const start = this.#size;
    await using file = await open(this.path, 'r+');
    const refuseLength = async () => {
      await this.rewind(start);
      const message = `the body does not have the ${length} bytes that its headers say`;
      throw new RegistryError(400, 'SIZE_INVALID', { message });
    };
    for await (const piece of stream) {
      if (length !== undefined && this.#size + piece.length > start + length) await refuseLength();
      const writing = this.#writeAll(file, piece);
      this.#hasher?.update(piece);
      await writing;
    }
    if (length !== undefined && this.#size !== start + length) await refuseLength();
  }

  /** Throws away what came after the first `size` bytes. */
  async rewind(size: number): Promise<void> {
    this.#size = size;
    this.#hasher = size === 0 ? new Bun.CryptoHasher(this.#algorithm) : undefined;
    await truncate(this.path, size);
  }

  /**
   * The digest of the bytes that are here. They are read again only where the client's algorithm is another
   * one than the upload began with, or some that came had to be thrown away.
   * @throws FinchError `IO`
   */
  async digest(algorithm: DigestAlgorithm): Promise<Digest> {
    if (this.#hasher !== undefined && algorithm === this.#algorithm) {
      return toDigest(algorithm, this.#hasher.copy().digest('hex'));
    }
    const bytes = readRange(this.path, { start: 0, end: this.#size });
    return (await digestAll(bytes, algorithm)).digest;
  }

  async #writeAll(file: FileHandle, piece: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < piece.length; ) {
        const { bytesWritten } = await file.write(piece, done, piece.length - done, this.#size);
        done += bytesWritten;
        this.#size += bytesWritten;
      }
    } catch (error) {
      this.#hasher = undefined;
      throw ioError(error, 'write', this.path);
    }
  }
}
