import type { Content, ContentReader, ReadOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { SharedRead, type SharedReadOptions } from '../streams/shared-read.ts';

/**
 * Lets several copies that run side by side read each blob once: who streams what another streams at that
 * moment gets the same pieces. Content that lies in a file may also be sent from there, which the system
 * reads once by itself.
 */
export class SharedSource {
  readonly #options: SharedReadOptions;
  readonly #reads = new Map<Digest, Set<SharedRead>>();

  constructor(options: SharedReadOptions = {}) {
    this.#options = options;
  }

  /** `from`, whose streams are shared with those of all others that went through here. */
  share(from: ContentReader): ContentReader {
    return {
      has: (descriptor, options) => from.has(descriptor, options),
      open: async (descriptor, options) => {
        const content = await from.open(descriptor, options);
        return { ...content, stream: (reading) => this.#stream(descriptor, content, reading) };
      },
    };
  }

  async *#stream(
    { digest }: Descriptor,
    content: Content,
    { start = 0, signal }: ReadOptions = {},
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const reads = this.#reads.get(digest) ?? new Set();
    this.#reads.set(digest, reads);
    for (let at = start; at < content.size; ) {
      signal?.throwIfAborted();
      const before = at;
      const read =
        [...reads].find((one) => one.covers(at)) ??
        // Without the signal of one, for others may read on.
        new SharedRead(content.stream({ start: at }), at, this.#options);
      reads.add(read);
      try {
        for await (const piece of read.read(at)) {
          signal?.throwIfAborted();
          at += piece.length;
          yield piece;
        }
      } finally {
        if (read.isIdle) reads.delete(read);
        if (reads.size === 0) this.#reads.delete(digest);
      }
      if (at === before) throw new FinchError('IO', `${digest} ended before its last byte`);
    }
  }
}
