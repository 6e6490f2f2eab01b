import type { Descriptor } from './oci/descriptor.ts';

/** Bytes in order, in pieces of any length. A piece may be reused by its maker once the next is asked for. */
export type ByteStream = AsyncIterable<Uint8Array>;

/** Options of anything that may take long. */
export interface AbortOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Options of reading {@link Content}. */
export interface ReadOptions extends AbortOptions {
  /** The first byte to read. Default: 0. */
  readonly start?: number;
}

/** A run of bytes in a file of this machine, which can be sent without passing through the program. */
interface FileRange {
  readonly path: string;
  /** The first byte of the content in the file. */
  readonly offset: number;
  /** What whoever reads the file itself keeps to, as the stream of the content does. Default: no limit. */
  readonly pace?: Pace;
}

/** How fast several may read, all together. */
export interface Pace {
  readonly bytesPerSecond: number;
  /** Hears how much was read beside the streams that keep to it: they wait for that. */
  took(bytes: number): void;
}

/**
 * Bytes that can be read again from any place: what makes a transfer possible to retry and resume. A plain object, so that
 * who puts something in between spreads it.
 */
export interface Content {
  /** Bytes. */
  readonly size: number;
  /** Set when the content lies in a file. */
  readonly file?: FileRange;
  /**
   * Reads from `start` to the end. Not verified: whoever keeps the bytes compares their digest.
   * Ends only after exactly `size - start` bytes, else throws.
   */
  stream(options?: ReadOptions): ByteStream;
  /**
   * Whether opening it once more may bring the right bytes after these turned out to be wrong, because
   * they come from another place then. Default: no.
   */
  isReplaceable?(): boolean;
}

/** A place that content can be read from: the store, a repository, an archive. */
export interface ContentReader {
  /**
   * Whether the content is here. A manifest that is here has its config and its layers here too; of an
   * index that is here some members may be missing.
   */
  has(descriptor: Descriptor, options?: AbortOptions): Promise<boolean>;
  /**
   * The content that `descriptor` names.
   * @throws FinchError `CONTENT_MISSING` when it is not here (a repository: `REMOTE_NOT_FOUND`),
   *   `CONTENT_DAMAGED` when it was, and what is there now is something else
   */
  open(descriptor: Descriptor, options?: AbortOptions): Promise<Content>;
}

/** What a target does with content beside taking its bytes. */
export type WriteStep =
  | {
      readonly kind: 'resumed';
      /** Bytes that the target has kept of an earlier process's try, and that are not sent; negative when it lost them. */
      readonly bytes: number;
    }
  /** It has all of it from another repository of the same registry. */
  | { readonly kind: 'mounted'; readonly from: string }
  /** The next try comes after `ms` milliseconds. */
  | { readonly kind: 'waiting'; readonly ms: number; readonly why: string }
  /** It asks for less at once. */
  | { readonly kind: 'throttled' };

/** Options of {@link ContentStore.write}. */
export interface WriteOptions extends AbortOptions {
  /** Called with the number of bytes that went through since the last call; negative when some are sent again. */
  readonly onBytes?: (count: number) => void;
  readonly onStep?: (step: WriteStep) => void;
}

/** A place that content can also be written to. */
export interface ContentStore extends ContentReader {
  /**
   * Keeps `content` under its digest. It becomes visible when all of it is here and has the digest and
   * the size that the descriptor says, or not at all. Writing what is already here does nothing.
   * What a document names must be written before it.
   * @throws FinchError `CONTENT_MISMATCH` when the bytes are not those that the descriptor names
   */
  write(descriptor: Descriptor, content: Content, options?: WriteOptions): Promise<void>;
}

/** Content that is in memory. */
export function memoryContent(bytes: Uint8Array): Content {
  return {
    size: bytes.length,
    async *stream({ start = 0 } = {}) {
      if (start < bytes.length) yield bytes.subarray(start);
    },
  };
}
