/** The ways in which registries differ that matter to one who pushes. */
export interface RegistryProfile {
  /** What a session's Location looks like. Default: relative, with a `_state`. */
  readonly location?: (at: {
    readonly path: string;
    readonly state: string;
    readonly origin: string;
  }) => string;
  /** Whether a Location is good only for the size that the session had when it was given. */
  readonly strictState?: true;
  /** What a PATCH is answered with. Default: 202. */
  readonly patchStatus?: number;
  /** Whether `Range` stays what it was after the first chunk. */
  readonly staleRange?: true;
  /** `Range` of a session that has nothing. Default: `0-0`. */
  readonly emptyRange?: string;
  /** `OCI-Chunk-Min-Length`. */
  readonly minChunk?: string;
  /** Whether a PATCH of fewer bytes is refused. */
  readonly refusesShort?: true;
  /** The most bytes of a body with a Content-Range: more is a 416. */
  readonly maxChunk?: number;
  /** The most bytes of any body: more is a 413, before it is read. */
  readonly maxBody?: number;
  /** Whether a body with a Content-Range is refused. */
  readonly refusesChunks?: true;
  /** Whether a session that got chunks wants the last of them in the PUT. */
  readonly refusesEmptyClose?: true;
  /** Whether a session is gone when its body breaks off. */
  readonly forgetsBroken?: true;
  /** What a question for a session's status is answered with, where not 204. */
  readonly noStatus?: number;
  /** What a session that is not there is answered with. Default: 404. */
  readonly unknownSession?: number;
  /** Whether a 416 says only the `Range`. */
  readonly bareRefusals?: true;
  /** Default: a blob of the repository that is named. `any`: wherever it is; `none`: never. */
  readonly mounts?: 'any' | 'none';
  /** Whether a manifest is refused while its blobs are not there. */
  readonly checksManifests?: true;
  /** Whether it takes several tags at once. */
  readonly multiTag?: true;
  /** Whether it has the referrers API. */
  readonly referrers?: true;
  /** Whether it says no `Docker-Content-Digest`. */
  readonly noDigestHeader?: true;
  /** Whether blobs are only counted, neither kept nor compared with their digest. */
  readonly discards?: true;
}

const MIB = 1024 * 1024;

/** The open-source registry: keeps what came before a connection broke, checks manifests. */
export const distributionLike: RegistryProfile = { checksManifests: true };

/** Amazon ECR: chunks of 5 to 10 MiB, answered 201, with a `Range` that stays behind. */
export const ecrLike: RegistryProfile = {
  patchStatus: 201,
  staleRange: true,
  minChunk: String(5 * MIB),
  refusesShort: true,
  maxBody: 20 * MIB,
  refusesEmptyClose: true,
  mounts: 'none',
  checksManifests: true,
};

/** GitHub's registry: no chunks of more than 4 MiB, any other body is good. */
export const ghcrLike: RegistryProfile = { maxChunk: 4 * MIB, checksManifests: true };

/** Google's: no chunks, no status. */
export const garLike: RegistryProfile = {
  refusesChunks: true,
  noStatus: 405,
  checksManifests: true,
};

/** olareg: a Location is good for one size, and a session that is not there is a 400. */
export const olaregLike: RegistryProfile = {
  strictState: true,
  emptyRange: '0--1',
  unknownSession: 400,
  bareRefusals: true,
  checksManifests: true,
  multiTag: true,
  referrers: true,
};

/** zot: a body that breaks off ends its session; a blob is mounted from wherever it is. */
export const zotLike: RegistryProfile = {
  forgetsBroken: true,
  mounts: 'any',
  checksManifests: true,
  referrers: true,
};
