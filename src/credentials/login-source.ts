import type { PasswordLogin } from './credential.ts';
import type { KeychainOptions } from './keychain.ts';
import type { ServerName } from './server-name.ts';

/** A login that a {@link LoginSource} has made. */
export interface MadeLogin {
  /** It ends, and says when. */
  readonly credential: PasswordLogin & { readonly expires: Date };
  /** From what, as messages name it: `AWS credentials (profile dev)`. */
  readonly from: string;
}

/**
 * Makes logins that are kept nowhere, for servers of one kind. It is asked when no place has a login, and
 * stands for the credential helper of its name in every file.
 */
export interface LoginSource {
  /** From what it makes them, as messages name it: `AWS credentials`. */
  readonly name: string;
  /** The helper that it stands for, as configurations name it: `ecr-login`. */
  readonly helper: string;
  /** Whether it makes logins for a server. Asks nobody. */
  serves(server: ServerName): boolean;
  /**
   * A login for a server that it serves; undefined when none can be made and none is `needed`, or when
   * there is nothing better than what was `refused`.
   * @throws FinchError `AWS_IDENTITY`, `AWS`, `NETWORK`, `CONFIG_INVALID` when none can be made
   */
  make(server: ServerName, options: KeychainOptions): Promise<MadeLogin | undefined>;
}
