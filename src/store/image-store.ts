import type { AbortOptions, ByteStream, ContentStore } from '../content.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';

/** A name in the store and the image that it names. */
export interface ImageRecord {
  /** The whole reference, for example `docker.io/library/alpine:latest`, or with `@sha256:…` instead of a tag. */
  readonly name: string;
  /** The manifest or index. */
  readonly target: Descriptor;
  /** When the name was last given to a target. */
  readonly createdAt: Date;
}

/** What is known of a layer's uncompressed form. */
export interface LayerRecord {
  /** The stored, mostly compressed, layer. */
  readonly digest: Digest;
  readonly size: number;
  readonly mediaType: string;
  /** Digest of the uncompressed tar. */
  readonly diffId: Digest;
  /** Bytes of the uncompressed tar. */
  readonly diffSize: number;
}

/** What {@link ImageStore.collect} freed. */
export interface Collected {
  readonly digests: readonly Digest[];
  readonly bytes: number;
}

/** Content that should be here and is not, or is not what its digest names. */
export interface Damage {
  readonly digest: Digest;
  /** What is wrong, as the end of a sentence that begins with the digest: `is missing`. */
  readonly problem: string;
  /** Those that need it, sorted. */
  readonly names: readonly string[];
}

/** What {@link ImageStore.inspect} found. */
export interface Inspection {
  readonly names: number;
  readonly blobs: number;
  /** Of all blobs. */
  readonly bytes: number;
  readonly damages: readonly Damage[];
}

/** How names change together: all of it or nothing. */
export interface NameChanges {
  readonly set?: readonly { readonly name: string; readonly target: Descriptor }[];
  readonly remove?: readonly string[];
}

/**
 * Keeps what is written through it from being collected until it is disposed of, by which time names
 * should reach what is meant to stay. A process that dies loses its leases.
 */
export interface Lease extends AsyncDisposable {
  readonly id: string;
  /**
   * Stops to protect what `root` reaches, now that a name keeps it. For leases that last.
   * @param options.except says what is still to be protected
   */
  release(root: Digest, options?: { readonly except?: (digest: Digest) => boolean }): void;
  /** Stops to protect what nobody touched since the call before this one, and shows that the lease lives. For leases that last. */
  expire(): void;
}

/**
 * The images of one home: content under its digests in an OCI image layout, and names. Any number of
 * processes may use one store at once. Content that is visible has been verified and is on disk.
 */
export interface ImageStore extends ContentStore, AsyncDisposable {
  /** The folder, an OCI image layout. */
  readonly path: string;

  /**
   * Starts to protect what this process relies on: everything that `write`, `ingest` and a `has` that
   * answers yes touch from now on, until the lease is disposed of.
   */
  lease(): Promise<Lease>;

  /**
   * Keeps a stream whose digest is not known before it ends, and says what it was. `expect` is checked
   * when given.
   * @throws FinchError `CONTENT_MISMATCH`
   */
  ingest(
    stream: ByteStream,
    options: AbortOptions & { mediaType: string; expect?: Digest },
  ): Promise<Descriptor>;

  /**
   * Keeps a file that the caller wrote, somewhere in the store's folder, and hashed: it is moved to its
   * place, and gone from `path` when this returns. As after `write`, it is on disk by then.
   */
  keepFile(path: string, descriptor: Descriptor): Promise<void>;

  /**
   * Whether the database was replaced since it was opened, as `finch store repair` does to a damaged one.
   * Every change then throws `STORE_UNUSABLE`; the store has to be opened again.
   */
  wasReplaced(): boolean;

  /** All names, newest first; names of one moment in alphabetical order. */
  names(): readonly ImageRecord[];

  /** The record of exactly this whole name. */
  name(name: string): ImageRecord | undefined;

  /** Every name whose target's hexadecimal digest begins with `prefix`, newest first. */
  targetsByPrefix(prefix: string): readonly ImageRecord[];

  /**
   * Gives and takes names in one step, then brings `index.json` up to date. Giving a name that exists
   * moves it and makes it new.
   * @throws FinchError `CONTENT_MISSING` when a target is not here
   */
  changeNames(changes: NameChanges): Promise<void>;

  /** Frees what neither a name nor a lease reaches. */
  collect(options?: AbortOptions): Promise<Collected>;

  /**
   * Frees one blob at once, unless a name or a lease needs it. To be the referrer of something kept is no
   * need. Whether it was freed.
   * @param options.except a lease that does not count: of who asked for the content and wants it gone
   */
  remove(digest: Digest, options?: { readonly except?: Lease | undefined }): Promise<boolean>;

  /**
   * Reads everything, and compares it with its digests and with what the names need. Changes nothing.
   * @throws FinchError `STORE_UNUSABLE` when the database is damaged
   */
  inspect(options?: AbortOptions): Promise<Inspection>;

  /** Frees damaged content, needed or not, so that the next pull or load brings it back. What became intact since stays. */
  forget(damages: readonly Damage[]): Promise<void>;

  /**
   * The media type that content was written with, and its size; undefined when it is not here. It is not
   * looked at again: `has` and `open` do that when somebody touched it.
   */
  stat(digest: Digest): { readonly mediaType: string; readonly size: number } | undefined;

  /** Whether some name of those that begin with `namePrefix` reaches the digest. */
  reaches(namePrefix: string, digest: Digest): boolean;

  /**
   * The manifests here whose `subject` is `digest`, in order of their digests, those behind `after`; each is
   * read when asked for.
   */
  referrers(digest: Digest, options?: { readonly after?: string }): Iterable<Descriptor>;

  /** The stored layers whose uncompressed form is `diffId`, smallest first. */
  layersByDiffId(diffId: Digest): readonly LayerRecord[];

  /** What is known of a stored layer. */
  layer(digest: Digest): LayerRecord | undefined;

  /** Remembers what a layer is uncompressed; forgotten when the layer is freed. */
  recordLayer(layer: LayerRecord): void;
}
