import type { PasswordLogin } from './credential.ts';
import type { KeychainOptions } from './keychain.ts';
import type { ServerName } from './server-name.ts';

/**
 * Makes logins that are kept nowhere, for servers of one kind. It is asked when no place has a login, and
 * stands for the credential helper of its name in every file.
 */
export interface LoginSource {
  /** How messages name it: `AWS`. */
  readonly name: string;
  /** The helper that it stands for, as configurations name it: `ecr-login`. */
  readonly helper: string;
  /** Whether it makes logins for a server. Asks nobody. */
  serves(server: ServerName): boolean;
  /**
   * A login for a server that it serves; undefined when the server can be used without one and none can be
   * made.
   * @throws FinchError `AWS_IDENTITY`, `AWS`, `NETWORK` when none can be made and one is needed
   */
  credential(server: ServerName, options: KeychainOptions): Promise<PasswordLogin | undefined>;
}
