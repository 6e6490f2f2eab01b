import type { AbortOptions } from '../content.ts';
import type { Credential } from './credential.ts';

/** What a {@link Keychain} is asked for, beside the registry. */
export interface KeychainOptions extends AbortOptions {
  /** The repository, for the stores that keep logins for a part of a registry. */
  readonly repository?: string | undefined;
  /** Whether it is looked up again, past what is remembered: the answer of before was refused. */
  readonly afresh?: boolean | undefined;
  /** The answer of before, where it is looked up afresh. */
  readonly refused?: Credential | undefined;
  /** Whether the registry said that `refused` has ended: no place is believed that still has it. */
  readonly hasEnded?: boolean | undefined;
  /** Whether nothing can be done without a login, as to push. Default: true. */
  readonly needed?: boolean | undefined;
}

/** A credential that a token server has replaced by an identity token. */
export interface ReplacedCredential extends AbortOptions {
  readonly replaced: Credential;
}

/** Answers who we are at a host. */
export interface Keychain {
  /**
   * The credential for `host[:port]` (Docker Hub is `docker.io`), or undefined: anonymous.
   * @throws FinchError `CONFIG_INVALID` when finch's own `config.json` is broken
   */
  credential(registry: string, options?: KeychainOptions): Promise<Credential | undefined>;
  /**
   * Takes an identity token that a token server has given in place of another one, which is good no more, and
   * keeps it where the other was, if finch may change that place. Never fails.
   */
  replaceToken?(registry: string, token: string, options: ReplacedCredential): Promise<void>;
}
