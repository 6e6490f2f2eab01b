/** A user name with its password, or with a token that is used as one. */
export interface PasswordLogin {
  readonly kind: 'password';
  readonly username: string;
  readonly secret: string;
  /** When it ends, where others can be made: when a registry refuses it, there may be another. */
  readonly expires?: Date;
}

/**
 * A refresh token, for which a token server gives tokens of short life: `identitytoken` in
 * `config.json`, the secret of the user `<token>` in the helper protocol.
 * https://github.com/distribution/distribution/blob/v3.0.0/docs/content/spec/auth/oauth.md
 */
export interface IdentityToken {
  readonly kind: 'identity-token';
  readonly token: string;
  /** Whom it stands for, where that is known. */
  readonly username?: string;
}

/** A token that the registry itself takes, as it is: `registrytoken` in `config.json`. */
interface RegistryToken {
  readonly kind: 'registry-token';
  readonly token: string;
}

/** Who we are at a registry. */
export type Credential = PasswordLogin | IdentityToken | RegistryToken;

/** Whether two credentials are the same, as far as helpers can tell. */
export function isSame(a: Credential, b: Credential | undefined): boolean {
  if (a.kind === 'password') {
    return b?.kind === 'password' && a.username === b.username && a.secret === b.secret;
  }
  return b !== undefined && b.kind !== 'password' && a.token === b.token;
}

/** The user name that stands for none in files and helpers: the secret is an identity token. */
export const TOKEN_USER = '<token>';
