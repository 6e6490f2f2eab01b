import type { AbortOptions } from '../content.ts';
import type { Credential } from '../credentials/credential.ts';
import { hasCode } from '../errors.ts';
import type { Transport } from '../http/transport.ts';
import type { AuthOptions } from './auth-options.ts';
import { identityToken, type SessionLogin } from './session-login.ts';
import { fetchToken, type TokenContext, type TokenRequest } from './token.ts';
import type { Token } from './token-answer.ts';

/** Asks token servers for tokens, as the user of one session. */
export class TokenAsker {
  readonly #transport: Transport;
  readonly #options: AuthOptions;
  readonly #login: SessionLogin;
  #isAccepted = false;

  constructor(transport: Transport, options: AuthOptions, login: SessionLogin) {
    this.#transport = transport;
    this.#options = options;
    this.#login = login;
  }

  /** Whether a token server has taken the credential. */
  get isAccepted(): boolean {
    return this.#isAccepted;
  }

  /**
   * A token. A login that is refused is replaced, where there is another.
   * @throws FinchError of `fetchToken` and of the keychain
   */
  async ask(request: TokenRequest, { signal }: AbortOptions): Promise<Token> {
    const { realm } = request;
    const refused = new Set<string>();
    let isRenewed = false;
    let credential = await this.#login.at(realm, { signal });
    for (;;) {
      try {
        return await this.#askAs(credential, request, { signal });
      } catch (error) {
        if (!hasCode(error, 'UNAUTHENTICATED', 'DENIED')) throw error;
        if (credential?.kind === 'identity-token') {
          refused.add(credential.token);
          credential = await this.#login.successor(realm, { refused, signal });
        } else {
          credential = isRenewed
            ? undefined
            : await this.#login.another({ isProven: true, signal });
          isRenewed = true;
        }
        if (credential === undefined) throw error;
      }
    }
  }

  async #askAs(
    credential: Credential | undefined,
    request: TokenRequest,
    { signal }: AbortOptions,
  ): Promise<Token> {
    const { offline, onIdentityToken, onAccepted, ...options } = this.#options;
    const { realm } = request;
    const context = { ...options, credential, isAccepted: this.#isAccepted, signal };
    const wantsRefresh = offline === true && credential?.kind === 'password';
    const token = await fetchToken(this.#transport, request, { ...context, offline: wantsRefresh });
    if (credential === undefined) return token;
    this.#isAccepted = true;
    onAccepted?.(new URL(realm).host);
    const { refreshToken } = token;
    if (refreshToken === undefined) return token;
    if (credential.kind === 'identity-token') this.#login.rotate(realm, refreshToken);
    const isNew =
      credential.kind === 'identity-token'
        ? refreshToken !== credential.token
        : wantsRefresh && (await this.#lasts(refreshToken, { request, context }));
    if (isNew) await onIdentityToken?.(refreshToken, { replaced: credential, signal });
    return token;
  }

  /** Whether a refresh token can be kept in place of a password: it works, and more than once. */
  async #lasts(
    refreshToken: string,
    { request, context }: { request: TokenRequest; context: TokenContext },
  ): Promise<boolean> {
    const credential = identityToken(refreshToken);
    const asked = { ...context, credential, isRefresh: true };
    const proof = await fetchToken(this.#transport, request, asked).catch(() => undefined);
    return proof !== undefined && (proof.refreshToken ?? refreshToken) === refreshToken;
  }
}
