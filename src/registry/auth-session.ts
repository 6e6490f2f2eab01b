import type { AbortOptions } from '../content.ts';
import type { Credential } from '../credentials/credential.ts';
import { hasCode } from '../errors.ts';
import { discardBody } from '../http/body.ts';
import { type Challenge, parseChallenges } from '../http/challenge.ts';
import { pause } from '../http/retry.ts';
import type { Transport } from '../http/transport.ts';
import type { Endpoint } from './endpoint.ts';
import { grantedScopes, noteDenial } from './grants.ts';
import type { RealmTrust } from './realm.ts';
import { mergeScopes } from './scope.ts';
import { basicHeader, fetchToken, type TokenContext, type TokenRequest } from './token.ts';
import type { Token } from './token-answer.ts';
import { TokenCache } from './token-cache.ts';

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
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** Says who the user is; `afresh` past all that is remembered. */
export type AskCredential = (
  options: AbortOptions & { readonly afresh?: boolean },
) => Promise<Credential | undefined>;

/** Takes an identity token, and the credential that it stands for from now on. */
export type OnIdentityToken = (
  token: string,
  options: AbortOptions & { readonly replaced: Credential },
) => void | Promise<void>;

/** What the registry wants to see, once it has said so. */
type Way =
  | { readonly kind: 'fixed'; readonly header: string }
  | { readonly kind: 'bearer'; readonly realm: string; readonly service: string | undefined };

/**
 * Before each look for what took the place of a refused identity token, in milliseconds: whoever used it
 * up, in another process, keeps the next one a moment later.
 */
const LOOKS_AFTER_MS = [0, 100, 400];

/** Of more identity tokens none is tried for one token. */
const MAX_REFUSED = 16;

type BearerWay = Way & { readonly kind: 'bearer' };

/** What one user has learned of how one registry wants to be asked, and the tokens for it. */
export class AuthSession {
  readonly #transport: Transport;
  readonly #options: AuthOptions;
  readonly #tokens: TokenCache;
  /** Identity tokens that took the place of the one that is kept, by the realm that gave them. */
  readonly #rotated = new Map<string, string>();
  #way: Way | undefined;
  #scopes: readonly string[];
  #credential: Promise<Credential | undefined> | undefined;
  #pinged: readonly Challenge[] | undefined;
  /** Whether a token server has taken the credential. */
  #isAccepted = false;

  constructor(transport: Transport, options: AuthOptions) {
    this.#transport = transport;
    this.#options = options;
    this.#scopes = options.scopes ?? [];
    this.#tokens = new TokenCache(options.now ?? Date.now);
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
    const credential = await this.#whoAmI({ signal });
    if (asked !== undefined && credential?.kind !== 'registry-token') {
      return this.#answerBearer(asked, { used, signal });
    }
    if (credential === undefined) return undefined;
    const isToken = credential.kind === 'registry-token';
    const header = isToken ? `Bearer ${credential.token}` : basicHeader(credential).authorization;
    if (header === used) return undefined;
    this.#way = { kind: 'fixed', header };
    return header;
  }

  /** Notes with an answer that refuses what its token was for, when somebody is logged in. */
  explain(response: Response, header: string): void {
    const isRefusal = response.status === 401 || response.status === 403;
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
    const kept = await this.#whoAmI({ signal });
    const rotated = this.#rotated.get(way.realm);
    const refused = new Set<string>();
    let credential = rotated === undefined ? kept : identityToken(rotated);
    for (;;) {
      try {
        return await this.#askAs(credential, way, { scopes, signal });
      } catch (error) {
        const isRefused = hasCode(error, 'UNAUTHENTICATED', 'DENIED');
        if (!isRefused || credential?.kind !== 'identity-token') throw error;
        refused.add(credential.token);
        credential = await this.#successor(way, { refused, signal });
        if (credential === undefined) throw error;
      }
    }
  }

  /** The identity token that took the place of refused ones, if there is one. */
  async #successor(
    { realm }: BearerWay,
    { refused, signal }: AbortOptions & { readonly refused: ReadonlySet<string> },
  ): Promise<Credential | undefined> {
    if (refused.size >= MAX_REFUSED) return undefined;
    const rotated = this.#rotated.get(realm);
    if (rotated !== undefined && !refused.has(rotated)) return identityToken(rotated);
    for (const wait of LOOKS_AFTER_MS) {
      await pause(wait, { signal });
      this.#credential = undefined;
      const kept = await this.#whoAmI({ afresh: true, signal });
      if (kept?.kind !== 'identity-token') return undefined;
      if (refused.has(kept.token)) continue;
      this.#rotated.delete(realm);
      return kept;
    }
    return undefined;
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
    if (credential.kind === 'identity-token') this.#rotated.set(realm, refreshToken);
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

  async #whoAmI(options: Parameters<AskCredential>[0]): Promise<Credential | undefined> {
    this.#credential ??= this.#options.credential(options);
    try {
      return await this.#credential;
    } catch (error) {
      this.#credential = undefined;
      throw error;
    }
  }
}

function keyOf({ realm, service }: BearerWay, scopes: readonly string[]): string {
  return JSON.stringify([realm, service, scopes.toSorted()]);
}

function bearer({ value }: Token): string {
  return `Bearer ${value}`;
}

function identityToken(token: string): Credential {
  return { kind: 'identity-token', token };
}
