import type { AbortOptions } from '../content.ts';
import type { FinchError } from '../errors.ts';
import type { Credential } from './credential.ts';
import type { Keychain, KeychainOptions } from './keychain.ts';
import type { ServerName } from './server-name.ts';

/** A credential, and where it was found. */
export interface FoundLogin {
  readonly credential: Credential;
  /** How messages name the place: the path of a file, `docker-credential-pass`. */
  readonly place: string;
  /** Whether finch keeps it there, or only reads it. */
  readonly isOwn: boolean;
  /** Set for one that is kept nowhere: `place` then is what it was made from. */
  readonly isMade?: true;
}

/**
 * Where a login went: into a credential helper, into a file unencrypted, or nowhere, because the
 * registry's helper makes credentials of its own and keeps none (`gcloud`).
 */
export interface SavedLogin {
  readonly kind: 'helper' | 'file' | 'managed';
  readonly place: string;
}

/** A login that finch does not remove. */
export interface RemainingLogin {
  /** What it is for: the registry, or a part of it as its key says. */
  readonly key: string;
  /** How messages name the place: the path of a file, `docker-credential-gcloud`. */
  readonly place: string;
  /** The configuration file that leads there; finch's own for what it may change and was not told to, and for a helper that makes its credentials itself. */
  readonly file: string;
}

/** What became of the logins for a server. */
export interface ForgottenLogin {
  readonly removed: readonly { readonly key: string; readonly place: string }[];
  /** Places that finch only reads, or whose helper makes credentials of its own, which still have one. */
  readonly remaining: readonly RemainingLogin[];
  /** Why places that should forget it did not: `CREDENTIAL_STORE`, `CONFIG_INVALID`, `IO`. */
  readonly failures: readonly FinchError[];
  /** From what logins for the server are still made: `AWS credentials`. */
  readonly made?: string;
}

/** One line of `finch login --list`. */
export interface ListedLogin {
  readonly registry: string;
  readonly username: string | undefined;
  readonly place: string;
  /** When the secret ends, where it says so: a JSON Web Token, a password of Amazon ECR. */
  readonly expires: Date | undefined;
}

/** Options of {@link Logins.list}. */
export interface ListLoginsOptions extends AbortOptions {
  /** Whether helpers are asked for the secrets that may say when they end, which can be slow. Default: true. */
  readonly expiry?: boolean;
}

/** All logins of this user, wherever they are kept. */
export interface Logins extends Keychain {
  /** {@link Keychain.credential}, with the place it comes from. */
  find(server: ServerName, options?: KeychainOptions): Promise<FoundLogin | undefined>;
  /**
   * A login that is made for the server, past all that are kept; undefined when none are made for it.
   * @throws FinchError of `LoginSource`
   */
  make(server: ServerName, options?: KeychainOptions): Promise<FoundLogin | undefined>;
  /**
   * Keeps a login in place of every other for the same server that finch may change. A helper that cannot
   * keep it is reported, and the next place takes it.
   * @throws FinchError `CONFIG_INVALID`, `IO`
   */
  save(server: ServerName, credential: Credential, options?: AbortOptions): Promise<SavedLogin>;
  /**
   * Removes the logins for a server from every place that finch may change; one that fails keeps none of the
   * others from it.
   * @throws FinchError `CONFIG_INVALID`, `IO` when finch's own file cannot be read; nothing is removed then
   */
  forget(server: ServerName, options?: AbortOptions): Promise<ForgottenLogin>;
  /**
   * Removes one login that was found, where it was found, under every spelling of the server that holds it
   * there. All others stay, and are found from then on.
   * @returns the keys that were removed; none where finch may not change the place
   * @throws FinchError `CREDENTIAL_STORE`, `CONFIG_INVALID`, `IO`
   */
  forgetFound(
    server: ServerName,
    found: FoundLogin,
    options?: AbortOptions,
  ): Promise<readonly string[]>;
  list(options?: ListLoginsOptions): Promise<readonly ListedLogin[]>;
}
