import type { Digest } from '../../oci/digest.ts';

/** One upload to one repository. */
export interface UploadKey {
  /** `host[:port]` as the user names it. */
  readonly registry: string;
  readonly repository: string;
  readonly digest: Digest;
}

/** Where an upload is that is not complete. */
export interface KeptUpload {
  /** Its address as the registry gave it last: whoever knows it can go on with the upload, so it is a secret. */
  readonly location: string;
  /** How many bytes the registry has confirmed. */
  readonly offset: number;
  /** The process that sends for this one, and may outlive it, as `owner.ts` writes it. */
  readonly courier?: string | undefined;
}

/** How a blob is sent. */
export type UploadWay = 'whole' | 'chunks';

/** What a host has shown of itself. */
export interface LearnedTraits {
  /** The length of chunks that it takes, in bytes. */
  readonly chunkBytes?: number;
  /** The longest body that it, or a proxy before it, lets through, in bytes. */
  readonly maxBodyBytes?: number;
  readonly way?: UploadWay;
  /** Whether it takes no blob from another repository. */
  readonly noMount?: boolean;
  /** Whether a host on this machine is only the near end of a slow link. */
  readonly noFile?: boolean;
  /** Whether a host that may speak either way, on this machine, speaks TLS. */
  readonly tls?: boolean;
  /** Whether it does not tell how much of an upload it has. */
  readonly noStatus?: boolean;
  /** Whether it does not know a document with several tags in one request. */
  readonly noMultiTag?: boolean;
  /** Whether an upload ends there with a request whose answer does not arrive. */
  readonly brittle?: boolean;
  /** `WWW-Authenticate` of its 401, which came over TLS or from this machine; empty when it wants no login. */
  readonly challenge?: string;
}

/**
 * What finch remembers of registries from one command to the next. It is help and never truth: what it
 * says is only tried. Nothing of it throws: what cannot be read was not there, and what cannot be written
 * is lost.
 */
export interface RegistryMemory extends Disposable {
  /**
   * An upload that a process began which is gone, now this process's own; undefined when there is none.
   * Never one of a process that may live. When it turns out to be good for nothing there may be another.
   */
  claimUpload(key: UploadKey): KeptUpload | undefined;
  /** Whether the courier of a process that is gone is still at work on the upload: who waits for it can go on there. */
  isCarried(key: UploadKey): boolean;
  /** Writes down where an upload of this process is, in place of what was written of it before. */
  keepUpload(key: UploadKey, upload: KeptUpload): void;
  /** Drops what was written of an upload of this process. */
  forgetUpload(key: UploadKey): void;
  /** Repositories of the registry that had the blob, the last one first, at most 3, without `except`. */
  placesOf(registry: string, digest: Digest, except: string): readonly string[];
  /** Notes that a repository has the blob. On disk a little later, at the latest when this is disposed. */
  rememberPlace(registry: string, repository: string, digest: Digest): void;
  /** Notes that a repository does not have the blob any more. */
  forgetPlace(registry: string, repository: string, digest: Digest): void;
  /** What a host, by `host[:port]` of its address, has shown in the last 30 days. */
  traits(host: string): LearnedTraits;
  /** Adds what a host has shown now; what is said anew counts in place of what was known. */
  learn(host: string, traits: LearnedTraits): void;
}

/** The most places of one blob that {@link RegistryMemory.placesOf} gives. */
export const MAX_PLACES = 3;

/** A memory that lasts as long as this process. Nobody can go on with its uploads, so it keeps none. */
export function emptyMemory(): RegistryMemory {
  const places = new Map<string, string[]>();
  const traits = new Map<string, LearnedTraits>();
  const without = (key: string, repository: string) =>
    (places.get(key) ?? []).filter((place) => place !== repository);
  return {
    claimUpload: () => undefined,
    isCarried: () => false,
    keepUpload: () => {},
    forgetUpload: () => {},
    placesOf: (registry, digest, except) =>
      without(`${registry} ${digest}`, except).slice(0, MAX_PLACES),
    rememberPlace(registry, repository, digest) {
      const key = `${registry} ${digest}`;
      // One more than is given: one of them may be the one that asks.
      places.set(key, [repository, ...without(key, repository)].slice(0, MAX_PLACES + 1));
    },
    forgetPlace(registry, repository, digest) {
      const key = `${registry} ${digest}`;
      places.set(key, without(key, repository));
    },
    traits: (host) => traits.get(host) ?? {},
    learn(host, learned) {
      traits.set(host, { ...traits.get(host), ...learned });
    },
    [Symbol.dispose]() {},
  };
}
