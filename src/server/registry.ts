import type { Descriptor } from '../oci/descriptor.ts';
import type { ImageStore } from '../store/image-store.ts';
import type { Claims } from './claims.ts';
import type { Pace } from './pace.ts';
import type { RepositoryNames } from './repository-names.ts';
import type { UploadSessions } from './upload-sessions.ts';

/** What every endpoint works on. */
export interface Registry {
  readonly store: ImageStore;
  readonly names: RepositoryNames;
  /** Keeps what clients rely on and no manifest names yet. */
  readonly claims: Claims;
  readonly uploads: UploadSessions;
  /** Called when a name keeps `root` and all that it reaches. */
  readonly settled: (root: Descriptor) => void;
  /** Called when names are gone, and with them perhaps the need for content. */
  readonly unnamed: () => void;
}

/** One request to an endpoint, its names checked. */
export interface Call {
  readonly request: Request;
  readonly query: URLSearchParams;
  /** The path by which the client finds it again. Empty where the request names none. */
  readonly repository: string;
  /** The repository's name in the store, before `:` or `@`. Empty where the request names none. */
  readonly key: string;
  /** A digest, a tag, or the id of an upload; not checked. Empty where the path names none. */
  readonly reference: string;
  /** How fast the client sends and takes. */
  readonly pace: Pace;
}

/** Answers one method of one endpoint. What it throws becomes the API's error. */
export type Handler = (registry: Registry, call: Call) => Response | Promise<Response>;
