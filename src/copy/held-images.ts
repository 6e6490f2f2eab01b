import { type AbortOptions, type ContentReader, memoryContent } from '../content.ts';
import { FinchError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { childrenOf } from '../oci/document.ts';
import { isManifestType } from '../oci/media-types.ts';
import type { ImageStore, Lease } from '../store/image-store.ts';
import { readDocument, readVerified } from './read-document.ts';

/** Manifests with no more than this below them are read at once: 256 KiB. */
const SMALL_BYTES = 256 * 1024;

/**
 * Images of the store that stay whole for as long as this is not disposed, whatever is removed meanwhile. A small one is
 * in memory, so that nothing has to be written to the disk for it; all others are under one lease.
 */
export class HeldImages implements AsyncDisposable {
  readonly #store: ImageStore;
  #lease: Promise<Lease> | undefined;

  constructor(store: ImageStore) {
    this.#store = store;
  }

  /** A reader of the image `root` and all below it. What is wrong with the image shows when it is read. */
  async hold(root: Descriptor, { signal }: AbortOptions): Promise<ContentReader> {
    const small = await this.#readSmall(root, { signal });
    if (small !== undefined) return small;
    this.#lease ??= this.#store.lease();
    await this.#lease;
    await this.#store.has(root, { signal });
    return this.#store;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#lease)?.[Symbol.asyncDispose]();
  }

  /** Undefined for an image that is not small, or not whole. */
  async #readSmall(root: Descriptor, { signal }: AbortOptions): Promise<ContentReader | undefined> {
    if (!isManifestType(root.mediaType)) return undefined;
    try {
      const { document, bytes } = await readDocument(this.#store, root, { signal });
      const parts = childrenOf(document);
      if (parts.reduce((sum, { size }) => sum + size, 0) > SMALL_BYTES) return undefined;
      const held = new Map([[root.digest, bytes]]);
      for (const part of parts) {
        const limit = SMALL_BYTES;
        held.set(part.digest, await readVerified(this.#store, part, { limit, signal }));
      }
      return inMemory(held);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof FinchError) return undefined;
      throw error;
    }
  }
}

function inMemory(held: ReadonlyMap<Digest, Uint8Array>): ContentReader {
  return {
    has: async ({ digest }) => held.has(digest),
    async open({ digest }) {
      const bytes = held.get(digest);
      if (bytes !== undefined) return memoryContent(bytes);
      throw new FinchError('CONTENT_MISSING', `${digest} is no part of the image`);
    },
  };
}
