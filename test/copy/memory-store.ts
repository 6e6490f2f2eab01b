import {
  type AbortOptions,
  type Content,
  type ContentStore,
  memoryContent,
  type WriteOptions,
} from '../../src/content.ts';
import { FinchError } from '../../src/errors.ts';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { type Digest, digestOf, digestParts } from '../../src/oci/digest.ts';
import { childrenOf, parseDocument } from '../../src/oci/document.ts';
import { isIndexType, isManifestType, isNonDistributable } from '../../src/oci/media-types.ts';

type Operation = 'has' | 'open' | 'write';

/** What a test does at the start of an operation: wait, fail, look. */
export type Hook = (
  operation: Operation,
  descriptor: Descriptor,
  signal: AbortSignal | undefined,
) => Promise<void> | void;

/** A {@link ContentStore} in memory that writes down what is asked of it. */
export class MemoryStore implements ContentStore {
  readonly blobs: Map<Digest, Uint8Array>;
  /** `has NAME`, `open NAME`, `write NAME` when an operation begins, `kept NAME` when a write ends well. */
  readonly log: string[] = [];
  /** Operations that have begun and not ended. */
  readonly running = { has: 0, open: 0, write: 0 };
  /** The most operations that ran at once. */
  readonly most = { has: 0, open: 0, write: 0 };
  readonly #nameOf: (descriptor: Descriptor) => string;
  readonly #hook: Hook;

  constructor({
    blobs = new Map<Digest, Uint8Array>(),
    nameOf = ({ digest }: Descriptor): string => digest,
    hook = (() => {}) as Hook,
  } = {}) {
    this.blobs = new Map(blobs);
    this.#nameOf = nameOf;
    this.#hook = hook;
  }

  has(descriptor: Descriptor, { signal }: AbortOptions = {}): Promise<boolean> {
    return this.#run('has', descriptor, signal, async () => this.#isHere(descriptor));
  }

  open(descriptor: Descriptor, { signal }: AbortOptions = {}): Promise<Content> {
    return this.#run('open', descriptor, signal, async () => {
      const bytes = this.blobs.get(descriptor.digest);
      if (bytes !== undefined) return memoryContent(bytes);
      throw new FinchError('CONTENT_MISSING', `${this.#nameOf(descriptor)} is not here`);
    });
  }

  write(
    descriptor: Descriptor,
    content: Content,
    { signal, onBytes }: WriteOptions = {},
  ): Promise<void> {
    return this.#run('write', descriptor, signal, async () => {
      const { digest, size, mediaType } = descriptor;
      if (this.blobs.has(digest)) return;
      const pieces: Uint8Array[] = [];
      for await (const piece of content.stream({ signal })) {
        signal?.throwIfAborted();
        pieces.push(piece.slice());
        onBytes?.(piece.length);
      }
      const bytes = Buffer.concat(pieces);
      if (bytes.length !== size || digestOf(bytes, digestParts(digest).algorithm) !== digest) {
        throw new FinchError('CONTENT_MISMATCH', `${this.#nameOf(descriptor)} is something else`);
      }
      if (isManifestType(mediaType)) this.#requireParts(descriptor, bytes);
      this.blobs.set(digest, bytes);
      this.log.push(`kept ${this.#nameOf(descriptor)}`);
    });
  }

  /** The names in the log of one kind. */
  logged(kind: Operation | 'kept'): readonly string[] {
    return this.log
      .filter((line) => line.startsWith(kind))
      .map((line) => line.slice(kind.length + 1));
  }

  async #run<T>(
    operation: Operation,
    descriptor: Descriptor,
    signal: AbortSignal | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    this.log.push(`${operation} ${this.#nameOf(descriptor)}`);
    this.running[operation] += 1;
    this.most[operation] = Math.max(this.most[operation], this.running[operation]);
    try {
      await this.#hook(operation, descriptor, signal);
      signal?.throwIfAborted();
      return await work();
    } finally {
      this.running[operation] -= 1;
    }
  }

  #isHere({ digest, mediaType }: Descriptor): boolean {
    const bytes = this.blobs.get(digest);
    if (bytes === undefined) return false;
    return !isManifestType(mediaType) || this.#missingParts(mediaType, bytes).length === 0;
  }

  #requireParts(descriptor: Descriptor, bytes: Uint8Array): void {
    const [missing] = this.#missingParts(descriptor.mediaType, bytes);
    if (missing === undefined) return;
    const message = `${this.#nameOf(descriptor)} came before ${this.#nameOf(missing)}`;
    throw new FinchError('CONTENT_MISSING', message);
  }

  #missingParts(mediaType: string, bytes: Uint8Array): readonly Descriptor[] {
    if (isIndexType(mediaType)) return [];
    return childrenOf(parseDocument(bytes, { mediaType, what: 'a manifest' })).filter(
      (child) => !isNonDistributable(child.mediaType) && !this.blobs.has(child.digest),
    );
  }
}
