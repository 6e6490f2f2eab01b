import type { AbortOptions } from '../content.ts';
import type { Credential } from './credential.ts';
import type { ServerName } from './server-name.ts';

/** A login that a {@link CredentialStore} keeps, without its secret. */
export interface KeptLogin {
  /** The key it is kept under, as the store spells it: `ghcr.io`, `https://index.docker.io/v1/`. */
  readonly key: string;
  /** Undefined for a token that stands for no user name. */
  readonly username: string | undefined;
}

/** Options of {@link CredentialStore.erase}. */
export interface EraseOptions extends AbortOptions {
  /** The login that is forgotten. Default: every one of the server. */
  readonly only?: Credential | undefined;
}

/** A place that keeps logins: the `auths` of a `config.json`, or a credential helper. */
export interface CredentialStore {
  /** How messages name it: the path of a file, `docker-credential-pass`. */
  readonly name: string;
  /**
   * The credential for a server, under whichever of its spellings; undefined when there is none.
   * @throws FinchError `CREDENTIAL_STORE` when the store cannot be used, `CONFIG_INVALID`, `IO`
   */
  get(
    server: ServerName,
    options?: AbortOptions & { readonly repository?: string | undefined },
  ): Promise<Credential | undefined>;
  /**
   * Keeps a credential in place of every other for the same server.
   * @returns false when the store takes no logins from others (`not implemented`); nothing is changed then
   * @throws FinchError `CREDENTIAL_STORE`, `CONFIG_INVALID`, `IO`
   */
  store(server: ServerName, credential: Credential, options?: AbortOptions): Promise<boolean>;
  /**
   * Forgets the logins for a server, however they are spelled; with `only` just those that are this one.
   * @returns the keys that were removed; none when there was nothing
   * @throws FinchError `CREDENTIAL_STORE`, `CONFIG_INVALID`, `IO`
   */
  erase(server: ServerName, options?: EraseOptions): Promise<readonly string[]>;
  /** @throws FinchError `CREDENTIAL_STORE`, `CONFIG_INVALID`, `IO` */
  list(options?: AbortOptions): Promise<readonly KeptLogin[]>;
}
