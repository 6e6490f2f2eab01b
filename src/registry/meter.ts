import type { ByteStream } from '../content.ts';
import { FinchError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';

/** Counts the bytes of one blob as they go out, and takes them back when they go out again. */
export class Meter {
  readonly #descriptor: Descriptor;
  readonly #onBytes: (count: number) => void;
  #counted = 0;

  constructor(descriptor: Descriptor, onBytes: (count: number) => void = () => {}) {
    this.#descriptor = descriptor;
    this.#onBytes = onBytes;
  }

  /** The blob begins from its first byte. */
  restart(): void {
    this.#count(-this.#counted);
  }

  /** The blob is there, also what was not counted on its way. */
  complete(): void {
    this.#count(this.#descriptor.size - this.#counted);
  }

  /**
   * Passes a stream on and counts it.
   * @throws FinchError `CONTENT_MISMATCH` when it does not have as many bytes as the descriptor says
   */
  async *through(stream: ByteStream): AsyncGenerator<Uint8Array, void, undefined> {
    const { digest, size } = this.#descriptor;
    let length = 0;
    let last: Uint8Array | undefined;
    for await (const piece of stream) {
      length += piece.length;
      if (length > size) break;
      if (length < size) {
        yield piece;
        this.#count(piece.length);
      } else if (piece.length > 0) {
        // Held back, for with its last byte the registry has a whole blob, even when more would follow.
        last = piece.slice();
      }
    }
    if (length !== size) {
      throw new FinchError('CONTENT_MISMATCH', `the bytes of ${digest} are not ${size}`);
    }
    if (last === undefined) return;
    yield last;
    this.#count(last.length);
  }

  #count(bytes: number): void {
    if (bytes === 0) return;
    this.#counted += bytes;
    this.#onBytes(bytes);
  }
}
