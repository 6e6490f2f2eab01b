import { parseEcrHost } from '../../aws/ecr-host.ts';
import type { LearnedTraits, UploadWay } from '../memory/registry-memory.ts';

/** How a registry takes blobs. Lengths are in bytes. */
export interface HostTraits {
  /** How the first try goes. */
  readonly way: UploadWay;
  /** Whether it takes a blob in more than one request. */
  readonly takesChunks: boolean;
  /** How long a chunk should be. */
  readonly chunkBytes: number;
  /** How long a chunk that is not the last has to be. */
  readonly minChunkBytes: number;
  /** The longest body that it takes. */
  readonly maxBodyBytes: number;
  /** The longest body with a `Content-Range` that it takes. */
  readonly maxRangeBytes: number;
  /** Whether it says how much of an upload it has. */
  readonly hasStatus: boolean;
  /** Whether the `Range` that it answers with may be short of what it has; then what it accepted counts. */
  readonly hasStaleRange: boolean;
  /** Whether it may take a blob from another repository. */
  readonly mounts: boolean;
  /** Whether a file that goes there as one arrives in time, where that can be. */
  readonly takesFile: boolean;
  /** Whether an upload ends there with a request whose answer does not arrive; undefined when nobody knows. */
  readonly isBrittle: boolean | undefined;
}

const MIB = 1024 * 1024;

/** Bodies with a `Content-Range` of 4 MiB and more are refused by ghcr.io with 416. */
export const SMALL_CHUNK_BYTES = 4 * MIB - 64 * 1024;

const DEFAULT: HostTraits = {
  way: 'whole',
  takesChunks: true,
  chunkBytes: 16 * MIB,
  minChunkBytes: 0,
  maxBodyBytes: Number.POSITIVE_INFINITY,
  maxRangeBytes: Number.POSITIVE_INFINITY,
  hasStatus: true,
  hasStaleRange: false,
  mounts: true,
  takesFile: true,
  isBrittle: undefined,
};

/** What is known of the registries of some services, by the host of their API. */
const PROFILES: readonly {
  readonly is: (host: string) => boolean;
  readonly traits: Partial<HostTraits>;
}[] = [
  {
    // Parts of 5 to 10 MiB; the Range of its answers is that of the first chunk.
    // https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_UploadLayerPart.html
    is: (host) => parseEcrHost(host) !== undefined,
    traits: {
      ...{ chunkBytes: 10 * MIB, minChunkBytes: 5 * MIB, maxBodyBytes: 10 * MIB },
      hasStaleRange: true,
    },
  },
  {
    is: (host) => /^(?:.+\.)?ghcr\.io$/.test(host),
    traits: { chunkBytes: SMALL_CHUNK_BYTES, maxRangeBytes: SMALL_CHUNK_BYTES },
  },
  {
    // https://cloud.google.com/artifact-registry/docs/docker/pushing-and-pulling
    is: (host) => /(?:^|\.)gcr\.io$|-docker\.pkg\.dev$/.test(host),
    traits: { takesChunks: false, hasStatus: false },
  },
];

/**
 * How the registry at `host` takes blobs: what is known of its service, and before that what it has shown.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs
 */
export function hostTraits(host: string, learned: LearnedTraits = {}): HostTraits {
  const profile = PROFILES.find(({ is }) => is(host));
  const known = { ...DEFAULT, ...(profile && { isBrittle: false, ...profile.traits }) };
  const { way, chunkBytes, maxBodyBytes, noStatus, noMount, noFile, brittle } = learned;
  return {
    ...known,
    ...(known.takesChunks && way !== undefined && { way }),
    ...(known.takesChunks && chunkBytes !== undefined && { chunkBytes }),
    ...(known.takesChunks && maxBodyBytes !== undefined && { maxBodyBytes }),
    ...(noStatus === true && { hasStatus: false }),
    ...(noMount === true && { mounts: false }),
    ...(noFile === true && { takesFile: false }),
    ...(brittle !== undefined && { isBrittle: brittle }),
  };
}
