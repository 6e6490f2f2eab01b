import type { WriteOptions } from '../../content.ts';
import { FinchError } from '../../errors.ts';
import type { Descriptor } from '../../oci/descriptor.ts';

/** Bytes from one position of a blob to another. `end` is not in it. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * How much of a blob the registry has, as its user sees it: what an earlier process sent and the registry
 * kept, and what went out since. Bytes that have to go out again are taken back.
 */
export class Progress {
  readonly #descriptor: Descriptor;
  readonly #options: WriteOptions;
  /** Of an earlier process. */
  #kept = 0;
  #sent = 0;
  /** Streams of a request that is over count no more. */
  #request = 0;
  #reached = 0;

  constructor(descriptor: Descriptor, options: WriteOptions) {
    this.#descriptor = descriptor;
    this.#options = options;
  }

  /** Where the next byte would be. */
  get position(): number {
    return this.#kept + this.#sent;
  }

  /** More of the last request's stream did not go out. */
  get reached(): number {
    return this.#reached;
  }

  /** The registry has kept `bytes` of an earlier process. */
  resume(bytes: number): void {
    this.moveTo(0);
    this.#keep(bytes);
  }

  /** So many more bytes went out, by another process. */
  wentOut(bytes: number): void {
    this.#reached += bytes;
    this.#send(bytes);
  }

  /** The registry has `position` bytes, whatever went out. */
  moveTo(position: number): void {
    this.#request += 1;
    this.#reached = position;
    if (position < this.#kept) {
      this.#send(-this.#sent);
      this.#keep(position - this.#kept);
    } else {
      this.#send(position - this.position);
    }
  }

  /**
   * The bytes of `span` out of a stream that begins at its start, counted as they go out.
   * @throws FinchError `CONTENT_MISMATCH` when the blob does not have as many bytes as the descriptor says
   */
  async *through(
    stream: AsyncIterable<Uint8Array>,
    { start, end }: Span,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const { digest, size } = this.#descriptor;
    const request = this.#request;
    const count = (bytes: number) => {
      if (request === this.#request) this.#send(bytes);
    };
    const reach = (position: number) => {
      if (request === this.#request) this.#reached = position;
    };
    reach(start);
    const isLast = end === size;
    let at = start;
    let last: Uint8Array | undefined;
    for await (const piece of stream) {
      const wanted = piece.subarray(0, end - at);
      at += isLast ? piece.length : wanted.length;
      if (at > end) break;
      if (at < end) {
        reach(at);
        yield wanted;
        count(wanted.length);
      } else if (wanted.length > 0) {
        // Held back, for with its last byte the registry has a whole blob, even when more would follow.
        last = isLast ? wanted.slice() : wanted;
        if (!isLast) break;
      }
    }
    if (at !== end) {
      throw new FinchError('CONTENT_MISMATCH', `the bytes of ${digest} are not ${size}`);
    }
    if (last === undefined) return;
    reach(end);
    yield last;
    count(last.length);
  }

  #send(bytes: number): void {
    if (bytes === 0) return;
    this.#sent += bytes;
    this.#options.onBytes?.(bytes);
  }

  #keep(bytes: number): void {
    if (bytes === 0) return;
    this.#kept += bytes;
    this.#options.onStep?.({ kind: 'resumed', bytes });
  }
}
