import type { AbortOptions } from '../content.ts';
import type { Credential } from './credential.ts';

/** What a {@link Keychain} is asked for, beside the registry. */
export interface KeychainOptions extends AbortOptions {
  /** The repository, for the stores that keep logins for a part of a registry. */
  readonly repository?: string | undefined;
}

/** Answers who we are at a host. */
export interface Keychain {
  /**
   * The credential for `host[:port]` (Docker Hub is `docker.io`), or undefined: anonymous.
   * @throws FinchError `CONFIG_INVALID` when finch's own `config.json` is broken
   */
  credential(registry: string, options?: KeychainOptions): Promise<Credential | undefined>;
}
