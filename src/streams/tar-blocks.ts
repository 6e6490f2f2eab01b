import type { FileHandle } from 'node:fs/promises';
import { FinchError } from '../errors.ts';
import { readError } from './file-stream.ts';
import { isZeroBlock, parseTarHeader, TAR_BLOCK_BYTES, type TarHeader } from './tar-header.ts';

const MAX_EXTENSION_BYTES = 1024 * 1024;
const WINDOW_BYTES = 16 * 1024;

/**
 * Reads single blocks of a tar file from anywhere in it, through a small window, so that small members
 * do not cost a system call each.
 */
export class TarBlocks {
  readonly #handle: FileHandle;
  readonly #size: number;
  readonly #what: string;
  readonly #window = new Uint8Array(WINDOW_BYTES);
  #start = 0;
  #length = 0;

  /**
   * @param size bytes of the file
   * @param what names the file in messages
   */
  constructor(handle: FileHandle, size: number, what: string) {
    this.#handle = handle;
    this.#size = size;
    this.#what = what;
  }

  /**
   * The header at `offset`; undefined at the end of the archive, which is two zero blocks, or one at
   * the end of the file. Without them the file is cut off between two members.
   * @throws FinchError `ARCHIVE_INVALID`
   */
  async header(offset: number): Promise<TarHeader | undefined> {
    this.mustHold(offset);
    if (offset === this.#size) {
      throw damagedTar(
        this.#what,
        `it is cut off at byte ${offset}: the blocks that end a tar are missing`,
      );
    }
    const block = await this.#block(offset);
    const header = parseTarHeader(block);
    if (header !== undefined) return header;
    const next = offset + TAR_BLOCK_BYTES;
    if (isZeroBlock(block) && (next >= this.#size || isZeroBlock(await this.#block(next)))) {
      return undefined;
    }
    throw damagedTar(this.#what, `there is no tar header at byte ${offset}`);
  }

  /**
   * The data of an extension header.
   * @throws FinchError `ARCHIVE_INVALID` when it has more than 1 MiB
   */
  async extension(offset: number, size: number): Promise<Uint8Array> {
    if (size > MAX_EXTENSION_BYTES) {
      throw damagedTar(this.#what, `the extension header at byte ${offset} has ${size} bytes`);
    }
    this.mustHold(offset + size);
    const data = new Uint8Array(size);
    await this.#fill(data, offset);
    return data;
  }

  /**
   * Where the data begins behind the map blocks of an old GNU sparse file.
   * @throws FinchError `ARCHIVE_INVALID` when they have more than 1 MiB
   */
  async skipSparseMap(offset: number): Promise<number> {
    for (let at = offset; at < offset + MAX_EXTENSION_BYTES; at += TAR_BLOCK_BYTES) {
      const more = (await this.#block(at))[504];
      if (more === 0) return at + TAR_BLOCK_BYTES;
    }
    throw damagedTar(this.#what, `the map of the sparse file at byte ${offset} does not end`);
  }

  /** @throws FinchError `ARCHIVE_INVALID` when the file ends before `end` */
  mustHold(end: number): void {
    if (end > this.#size) {
      throw damagedTar(this.#what, `it ends at byte ${this.#size}, in the middle of a member`);
    }
  }

  async #block(offset: number): Promise<Uint8Array> {
    this.mustHold(offset + TAR_BLOCK_BYTES);
    if (offset < this.#start || offset + TAR_BLOCK_BYTES > this.#start + this.#length) {
      this.#start = offset;
      this.#length = Math.min(this.#window.length, this.#size - offset);
      await this.#fill(this.#window.subarray(0, this.#length), offset);
    }
    const from = offset - this.#start;
    return this.#window.subarray(from, from + TAR_BLOCK_BYTES);
  }

  async #fill(target: Uint8Array, offset: number): Promise<void> {
    for (let done = 0; done < target.length; ) {
      const left = target.length - done;
      const { bytesRead } = await this.#handle
        .read(target, done, left, offset + done)
        .catch((cause) => {
          throw readError(cause, this.#what);
        });
      if (bytesRead === 0) throw damagedTar(this.#what, 'it became shorter while it was read');
      done += bytesRead;
    }
  }
}

/** The error about a tar file that cannot be what its writer made. */
export function damagedTar(what: string, why: string): FinchError {
  return new FinchError('ARCHIVE_INVALID', `${what} is damaged: ${why}`, {
    hint: 'make or download the archive again',
  });
}
