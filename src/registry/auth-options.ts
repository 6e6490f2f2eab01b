import type { AbortOptions } from '../content.ts';
import type { Credential } from '../credentials/credential.ts';
import type { Endpoint } from './endpoint.ts';
import type { ChallengeMemory } from './known-challenge.ts';
import type { RealmTrust } from './realm.ts';
import type { AskCredential } from './session-login.ts';

/** Who asks, and for what. */
export interface AuthOptions {
  readonly registry: string;
  readonly endpoint: Endpoint;
  /** Asked when the registry first wants to know, and afresh when an identity token was refused. */
  readonly credential: AskCredential;
  /** Asked for with every token, before what the registry names. */
  readonly scopes?: readonly string[];
  /** Which token servers the user trusts. Default: none but the registry's own. */
  readonly trust?: RealmTrust | undefined;
  /** Set at a login: the token server is asked for a refresh token, to be kept in place of a password. */
  readonly offline?: boolean | undefined;
  /** Hears of an identity token that is to be kept in place of a credential. */
  readonly onIdentityToken?: OnIdentityToken | undefined;
  /** Hears of every token server, by its host and port, that has taken the credential. */
  readonly onAccepted?: ((host: string) => void) | undefined;
  /** Knows how the host wanted to be asked before. Default: nothing is known. */
  readonly memory?: ChallengeMemory | undefined;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** Takes an identity token, and the credential that it stands for from now on. */
export type OnIdentityToken = (
  token: string,
  options: AbortOptions & { readonly replaced: Credential },
) => void | Promise<void>;
