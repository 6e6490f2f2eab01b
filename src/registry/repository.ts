import type { AbortOptions, Content, ContentStore, ReadOptions } from '../content.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';

/** Options of {@link Repository.resolve}. */
interface ResolveOptions extends AbortOptions {
  /** Connections that are worth opening meanwhile, because much is to follow. Default: 0. */
  readonly ahead?: number;
}

/** Options of {@link Repository.wouldWrite}. */
interface WouldWriteOptions {
  /** The tags that a document gets. Default: none. */
  readonly tags?: readonly string[];
  /** Another repository of the registry that will have a blob by then. */
  readonly source?: string | undefined;
}

/** What it takes to write content. */
export interface WritePlan {
  /** Another repository of the registry that a blob is taken from in place of being sent, if that still has it. */
  readonly from?: string;
  /** When nothing goes wrong, and the registry is as it was the last time. */
  readonly requests: number;
}

/**
 * One repository of a registry. Blobs and manifests are told apart by the descriptor's media type.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
 */
export interface Repository extends ContentStore {
  /** `host[:port]` as the user names it. */
  readonly registry: string;
  /** The path in the registry. */
  readonly name: string;

  /** {@link ContentStore.open}. The first request asks for the bytes from `start`, where reading begins. */
  open(descriptor: Descriptor, options?: ReadOptions): Promise<Content>;

  /**
   * What a tag or digest names now, by the answer's headers where those may be believed.
   * @returns undefined when there is no such manifest (404), or one who pushes may not look at it (403)
   * @throws FinchError `UNAUTHENTICATED`, `DENIED`, `REGISTRY`, `NETWORK`
   */
  resolve(reference: string | Digest, options?: ResolveOptions): Promise<Descriptor | undefined>;

  /** Stores a document's exact bytes under tags, which name it from then on; without any under its digest. */
  tag(
    tags: readonly string[],
    document: Descriptor,
    bytes: Uint8Array,
    options?: AbortOptions,
  ): Promise<void>;

  /** What it would take to write content, or to tag a document, now. Asks nobody. */
  wouldWrite(descriptor: Descriptor, options?: WouldWriteOptions): Promise<WritePlan>;

  /** Whether a document was seen here, by this process or an earlier one. Asks nobody. */
  wasHere(document: Digest): boolean;

  /**
   * Begins an upload, as every push does first, and gives it up: nothing is stored.
   * @throws FinchError of whatever would refuse a push
   */
  tryUpload(options?: AbortOptions): Promise<void>;

  /** All tags, in the registry's order. */
  tags(options?: AbortOptions): Promise<readonly string[]>;
}
