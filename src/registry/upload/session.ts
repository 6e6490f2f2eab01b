/** An upload that the registry has opened. */
export interface Session {
  /** Its address as the registry gave it last: whoever knows it can go on with it, so it is a secret. */
  readonly location: URL;
  /** How many bytes the registry has confirmed, to whoever sent them. */
  readonly offset: number;
  /** The least length of a chunk that is not the last, in bytes. */
  readonly minChunkBytes: number;
  /** Whether an earlier process opened it, and nothing is known of it yet. */
  readonly isKept?: true;
}

/** A chunk must not be longer than this only because a registry says so: 1 GiB. */
const MOST_MIN_CHUNK = 1024 ** 3;

/**
 * The least length of a chunk that an answer asks for, in bytes; 0 when it asks for none that makes sense.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks
 */
export function minChunkOf({ headers }: Response): number {
  const text = headers.get('oci-chunk-min-length')?.trim() ?? '';
  return /^\d{1,20}$/.test(text) ? Math.min(Number(text), MOST_MIN_CHUNK) : 0;
}
