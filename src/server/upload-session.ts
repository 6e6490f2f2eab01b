import { open } from 'node:fs/promises';
import type { ByteStream } from '../content.ts';
import { readRange } from '../streams/file-stream.ts';
import { RegistryError } from './registry-error.ts';

/** What names an upload to its client. */
export interface UploadPlace {
  readonly id: string;
  /** The path under which the client began it. */
  readonly repository: string;
}

/** The bytes of one upload that came so far, in a file. */
export class UploadSession implements UploadPlace {
  readonly id: string;
  readonly repository: string;
  readonly path: string;
  /** When a request last used it. */
  usedAt: Date;
  /** Whether a request uses it now. */
  busy = false;
  #size = 0;

  constructor({ id, repository }: UploadPlace, path: string, usedAt: Date) {
    this.id = id;
    this.repository = repository;
    this.path = path;
    this.usedAt = usedAt;
  }

  /** Bytes that are here. */
  get size(): number {
    return this.#size;
  }

  /**
   * Adds bytes at the end. What came before a stream failed stays: the client can go on from there.
   * @param length bytes that the stream must have; when it has not, nothing is added. Default: any
   * @throws RegistryError 400 `SIZE_INVALID`
   */
  async append(stream: ByteStream, { length }: { readonly length?: number } = {}): Promise<void> {
    const start = this.#size;
    const wrongLength = () => {
      this.#size = start;
      const message = `the body does not have the ${length} bytes that its headers say`;
      return new RegistryError(400, 'SIZE_INVALID', { message });
    };
    const file = await open(this.path, 'r+');
    try {
      for await (const piece of stream) {
        if (length !== undefined && this.#size + piece.length > start + length) throw wrongLength();
        for (let done = 0; done < piece.length; ) {
          const { bytesWritten } = await file.write(piece, done, piece.length - done, this.#size);
          done += bytesWritten;
          this.#size += bytesWritten;
        }
      }
    } finally {
      await file.close();
    }
    if (length !== undefined && this.#size !== start + length) throw wrongLength();
  }

  /** Reads all bytes that are here. */
  stream(): ByteStream {
    return readRange(this.path, { start: 0, end: this.#size });
  }
}
