import type { AbortOptions } from '../content.ts';
import type { Credential } from '../credentials/credential.ts';
import { hasCode } from '../errors.ts';
import { discardBody } from '../http/body.ts';
import { type Challenge, parseChallenges } from '../http/challenge.ts';
import type { Transport } from '../http/transport.ts';
import type { AuthOptions } from './auth-options.ts';
import { saysLoginEnded } from './ecr-advice.ts';
import { grantedScopes, noteDenial } from './grants.ts';
import { mergeScopes } from './scope.ts';
import { identityToken, SessionLogin } from './session-login.ts';
import { basicHeader, fetchToken, type TokenContext, type TokenRequest } from './token.ts';
import type { Token } from './token-answer.ts';
import { TokenCache } from './token-cache.ts';

/** What the registry wants to see, once it has said so. */
type Way =
  | { readonly kind: 'fixed'; readonly header: string }
  | { readonly kind: 'bearer'; readonly realm: string; readonly service: string | undefined };

type BearerWay = Way & { readonly kind: 'bearer' };

/** What one user has learned of how one registry wants to be asked, and the tokens for it. */
export class AuthSession {
  readonly #transport: Transport;
  readonly #options: AuthOptions;
  readonly #tokens: TokenCache;
  readonly #login: SessionLogin;
  #way: Way | undefined;
  #scopes: readonly string[];
  #pinged: readonly Challenge[] | undefined;
  /** Whether a token server has taken the credential. */
  #isAccepted = false;
  /** What was sent last that was refused, and who is asked for in place of whom that stood for. */
  #refused: string | undefined;
  #successor: Promise<Credential | undefined> | undefined;
  /** What took its place, or would have, as long as the registry has not taken that. */
  #unproven: string | undefined;

  constructor(transport: Transport, options: AuthOptions) {
    this.#transport = transport;
    this.#options = options;
    this.#scopes = options.scopes ?? [];
    const { now = Date.now } = options;
    this.#tokens = new TokenCache(now);
    this.#login = new SessionLogin(options.credential, now);
  }

  /** What a request sends without being asked. */
  async header(options: AbortOptions): Promise<string | undefined> {
    const way = this.#way;
    if (way?.kind !== 'bearer') return way?.header;
    return this.#bearer(way, options);
  }

  /** What to send after a 401, or undefined when there is nothing better than what was `used`. */
  async answer(
    response: Response,
    { used, signal }: AbortOptions & { used: string | undefined },
  ): Promise<string | undefined> {
    const challenges = await this.#challenges(response, { signal });
    const asked = challenges.find(({ scheme, params }) => scheme === 'bearer' && params['realm']);
    if (asked === undefined && !challenges.some(({ scheme }) => scheme === 'basic')) {
      return undefined;
    }
    const credential = await this.#login.get({ signal });
    if (asked !== undefined && credential?.kind !== 'registry-token') {
      return this.#answerBearer(asked, { used, signal });
    }
    if (credential === undefined) return undefined;
    const header = fixedHeader(credential);
    return header === used ? undefined : this.#fix(credential);
  }

  /**
   * What to send once more after a 401 or 403 to what was `used`, where that stood for a login which ends and
   * in whose place there is another; undefined where there is none. However many requests are refused
   * together, one asks for it. Where the registry says that a policy of AWS forbids what was asked, none is;
   * where it says that the login has ended, that counts for more than what the login says itself. One that the
   * registry has never taken is otherwise not replaced in turn before it ends: it is then not its age that is
   * refused.
   * @param why reads what the answer says
   */
  async renewed({
    used,
    why,
    signal,
  }: AbortOptions & { readonly used: string; readonly why: () => Promise<string> }): Promise<
    string | undefined
  > {
    const way = this.#way;
    if (way === undefined || !(await this.#login.ends())) return undefined;
    const said = await why();
    if (/is not authorized to perform/i.test(said)) return undefined;
    const hasEnded = saysLoginEnded(said);
    const isFirst = used !== this.#refused;
    if (isFirst) {
      const current = this.#current(way);
      if (current !== undefined && current !== used) return current;
      this.#refused = used;
      this.#successor = this.#login.another({
        isProven: used !== this.#unproven,
        hasEnded,
        signal,
      });
    }
    let header: string | undefined;
    try {
      const credential = await this.#successor;
      if (credential === undefined) return undefined;
      header =
        way.kind === 'bearer' ? await this.#bearer(way, { used, signal }) : this.#fix(credential);
      return header;
    } finally {
      if (isFirst) this.#unproven = header ?? used;
      // There may be one when it has ended.
      if (isFirst && header === undefined) this.#refused = undefined;
    }
  }

  /**
   * Hears what was answered. An answer that refuses what its token was for gets a note of that, when
   * somebody is logged in.
   */
  hear(response: Response, header: string): void {
    const isRefusal = response.status === 401 || response.status === 403;
    if (!isRefusal && header === this.#unproven) this.#unproven = undefined;
    if (!isRefusal || !this.#isAccepted || this.#scopes.length === 0) return;
    if (this.#way?.kind !== 'bearer') return;
    const granted = grantedScopes(header.slice('Bearer '.length));
    noteDenial(response, { asked: this.#scopes, granted });
  }

  /** Some registries challenge only who asks for the root of their API: Google's. */
  async #challenges(response: Response, { signal }: AbortOptions): Promise<readonly Challenge[]> {
    const challenges = parseChallenges(response.headers.get('www-authenticate') ?? '');
    const { endpoint } = this.#options;
    const root = endpoint.api('/');
    if (challenges.length > 0 || new URL(response.url).pathname === root.pathname) {
      return challenges;
    }
    if (this.#pinged === undefined) {
      const ping = await this.#transport({ method: 'GET', url: root, signal });
      await discardBody(ping);
      // After a redirect the challenge is another server's.
      const asked = endpoint.owns(new URL(ping.url)) ? ping.headers.get('www-authenticate') : null;
      this.#pinged = parseChallenges(asked ?? '');
    }
    return this.#pinged;
  }

  async #answerBearer(
    { params }: Challenge,
    { used, signal }: AbortOptions & { used: string | undefined },
  ): Promise<string | undefined> {
    const way: BearerWay = {
      kind: 'bearer',
      realm: params['realm'] ?? '',
      service: params['service'],
    };
    this.#way = way;
    this.#scopes = mergeScopes(this.#scopes, (params['scope'] ?? '').split(' '));
    return this.#bearer(way, { used, signal });
  }

  /**
   * A token for all scopes; where the token server refuses them together, for the first alone. It is one
   * that there is, but not the `used` one: another request may have got it in the meantime.
   */
  async #bearer(
    way: BearerWay,
    { used, signal }: AbortOptions & { used?: string | undefined },
  ): Promise<string> {
    const scopes = this.#scopes;
    const key = keyOf(way, scopes);
    const current = this.#tokens.get(key);
    if (current !== undefined && bearer(current) !== used) return bearer(current);
    const ask = () => this.#ask(way, scopes, { signal });
    try {
      return bearer(await this.#tokens.renew(key, { signal, ask }));
    } catch (error) {
      if (!hasCode(error, 'DENIED') || scopes.length < 2) throw error;
      this.#scopes = scopes.slice(0, 1);
      return this.#bearer(way, { used, signal });
    }
  }

  async #ask(way: BearerWay, scopes: readonly string[], { signal }: AbortOptions): Promise<Token> {
    const refused = new Set<string>();
    let isRenewed = false;
    let credential = await this.#login.at(way.realm, { signal });
    for (;;) {
      try {
        return await this.#askAs(credential, way, { scopes, signal });
      } catch (error) {
        if (!hasCode(error, 'UNAUTHENTICATED', 'DENIED')) throw error;
        if (credential?.kind === 'identity-token') {
          refused.add(credential.token);
          credential = await this.#login.successor(way.realm, { refused, signal });
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
    { realm, service }: BearerWay,
    { scopes, signal }: AbortOptions & { readonly scopes: readonly string[] },
  ): Promise<Token> {
    const { offline, onIdentityToken, onAccepted, ...options } = this.#options;
    const request = { realm, service, scopes };
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

  /** From now on every request says so. */
  #fix(credential: Credential): string {
    const header = fixedHeader(credential);
    this.#way = { kind: 'fixed', header };
    return header;
  }

  /** What requests say now. */
  #current(way: Way): string | undefined {
    if (way.kind === 'fixed') return way.header;
    const token = this.#tokens.get(keyOf(way, this.#scopes));
    return token && bearer(token);
  }
}

function fixedHeader(credential: Credential): string {
  return credential.kind === 'registry-token'
    ? `Bearer ${credential.token}`
    : basicHeader(credential).authorization;
}

function keyOf({ realm, service }: BearerWay, scopes: readonly string[]): string {
  return JSON.stringify([realm, service, scopes.toSorted()]);
}

function bearer({ value }: Token): string {
  return `Bearer ${value}`;
}
