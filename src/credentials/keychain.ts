import type { AbortOptions } from '../content.ts';

/** Who we are at a registry. */
export interface Credential {
  readonly username: string;
  readonly secret: string;
}

/** Answers who we are at a host. */
export interface Keychain {
  /** The credential for `host[:port]` (Docker Hub is `docker.io`), or undefined: anonymous. */
  credential(registry: string, options?: AbortOptions): Promise<Credential | undefined>;
}
