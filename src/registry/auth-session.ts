import type { AbortOptions } from '../content.ts';
import type { Credential } from '../credentials/credential.ts';
import { FinchError, hasCode } from '../errors.ts';
import { discardBody } from '../http/body.ts';
import { type Challenge, parseChallenges } from '../http/challenge.ts';
import type { Transport } from '../http/transport.ts';
import type { AuthOptions } from './auth-options.ts';
import { type BearerWay, bearer, fixedHeader, keyOf, type Way } from './auth-way.ts';
import { saysLoginEnded } from './ecr-advice.ts';
import { grantedScopes, noteDenial } from './grants.ts';
import { KnownChallenge } from './known-challenge.ts';
import { mergeScopes } from './scope.ts';
import { SessionLogin } from './session-login.ts';
import { TokenAsker } from './token-asker.ts';
import { TokenCache } from './token-cache.ts';

/** How long whoever gave tokens before is waited for, in milliseconds, before the registry is asked. */
const RECALL_MS = 5000;

/** What one user has learned of how one registry wants to be asked, and the tokens for it. */
export class AuthSession {
  readonly #transport: Transport;
  readonly #options: AuthOptions;
  readonly #tokens: TokenCache;
  readonly #login: SessionLogin;
  readonly #asker: TokenAsker;
  readonly #known: KnownChallenge;
  #way: Way | undefined;
  #recalling: Promise<void> | undefined;
  /** What is sent on the strength of the memory alone, until the host takes it or asks for a login itself. */
  #fromMemory: string | undefined;
  /** Why there is no token as the registry wanted it before this session. */
  #recalled: { readonly key: string; readonly error: unknown } | undefined;
  #scopes: readonly string[];
  #pinged: readonly Challenge[] | undefined;
  /** What was sent last that was refused, and who is asked for in place of whom that stood for. */
  #refused: string | undefined;
  #successor: Promise<Credential | undefined> | undefined;
  /** What took its place, or would have, as long as the registry has not taken that. */
  #unproven: string | undefined;
  /** The token that took the place of one with which something was denied. */
  #afterDenial: string | undefined;

  constructor(transport: Transport, options: AuthOptions) {
    this.#transport = transport;
    this.#options = options;
    this.#scopes = options.scopes ?? [];
    const { now = Date.now } = options;
    this.#tokens = new TokenCache(now);
    this.#login = new SessionLogin(options.credential, now);
    this.#asker = new TokenAsker(transport, options, this.#login);
    this.#known = new KnownChallenge(options.endpoint, options.memory);
  }

  /** What a request sends without being asked: what worked in this session, or is known from before it. */
  async header(options: AbortOptions): Promise<string | undefined> {
    if (this.#way === undefined) {
      this.#recalling ??= this.#recall(options);
      await this.#recalling;
    }
    const way = this.#way;
    if (way?.kind !== 'bearer') return way?.header;
    return this.#bearer(way, options);
  }

  /**
   * Whether what was `used` for a 401 is sent on the strength of the memory alone. Then it is no longer: the host may
   * let those in who say nothing, and not those whose password is no longer good.
   */
  drops(used: string | undefined): boolean {
    if (used === undefined || used !== this.#fromMemory) return false;
    if (this.#way?.kind === 'fixed') {
      this.#way = undefined;
      this.#known.set(undefined);
    }
    return true;
  }

  /** What to send after a 401, or undefined when there is nothing better than what was `used`. */
  async answer(
    response: Response,
    { used, signal }: AbortOptions & { used: string | undefined },
  ): Promise<string | undefined> {
    const challenges = await this.#challenges(response, { signal });
    const asked = challenges.find(({ scheme, params }) => scheme === 'bearer' && params['realm']);
    const wanted = asked ?? challenges.find(({ scheme }) => scheme === 'basic');
    if (wanted === undefined) return undefined;
    this.#fromMemory = undefined;
    // Whatever of a login a careless registry repeats in it is known only then.
    await this.#login.get({ signal });
    this.#known.set(wanted);
    return this.#adopt(wanted, { used, signal });
  }

  async #adopt(
    wanted: Challenge,
    { used, signal }: AbortOptions & { used: string | undefined },
  ): Promise<string | undefined> {
    const credential = await this.#login.get({ signal });
    if (wanted.scheme === 'bearer' && credential?.kind !== 'registry-token') {
      return this.#answerBearer(wanted, { used, signal });
    }
    if (credential === undefined) return undefined;
    const header = this.#fix(credential);
    return header === used ? undefined : header;
  }

  /** Does as the registry wanted before. What fails then counts only if it still wants that. */
  async #recall({ signal }: AbortOptions): Promise<void> {
    const wanted = this.#known.get();
    if (wanted === undefined) return;
    const scopes = this.#scopes;
    const patience = AbortSignal.timeout(RECALL_MS);
    const stop = AbortSignal.any([...(signal ? [signal] : []), patience]);
    try {
      await this.#adopt(wanted, { used: undefined, signal: stop });
      if (this.#way?.kind === 'fixed') this.#fromMemory = this.#way.header;
    } catch (error) {
      const way = this.#way;
      this.#way = undefined;
      this.#scopes = scopes;
      if (signal?.aborted) this.#recalling = undefined;
      if (signal?.aborted) throw error;
      this.#known.set(undefined);
      if (hasCode(error, 'CANCELLED')) return;
      if (way?.kind === 'bearer') this.#recalled = { key: keyOf(way, scopes), error };
    }
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
   * What to send once more after a 403 to what was `used`: a new token, where that one is older than the request,
   * which may have outlasted it. One that is new is refused for what it is for.
   * @param since when the request began, in milliseconds since 1970
   */
  async afterDenial({
    used,
    since,
    signal,
  }: AbortOptions & { readonly used: string; readonly since: number }): Promise<
    string | undefined
  > {
    const way = this.#way;
    if (way?.kind !== 'bearer' || used === this.#afterDenial) return undefined;
    const token = this.#tokens.last(keyOf(way, this.#scopes));
    if (token === undefined || bearer(token) !== used || token.issuedAt >= since) return undefined;
    try {
      this.#afterDenial = await this.#bearer(way, { used, signal });
      return this.#afterDenial;
    } catch (error) {
      // What the registry said says more.
      if (error instanceof FinchError && !hasCode(error, 'CANCELLED')) return undefined;
      throw error;
    }
  }

  /**
   * Hears what was answered. An answer that refuses what its token was for gets a note of that, when
   * somebody is logged in.
   */
  hear(response: Response, header: string): void {
    const isRefusal = response.status === 401 || response.status === 403;
    if (!isRefusal && header === this.#unproven) this.#unproven = undefined;
    if (!isRefusal && header === this.#fromMemory) this.#fromMemory = undefined;
    if (!isRefusal || !this.#asker.isAccepted || this.#scopes.length === 0) return;
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
    const before = this.#scopes;
    this.#scopes = mergeScopes(before, (params['scope'] ?? '').split(' '));
    const recalled = this.#recalled;
    this.#recalled = undefined;
    try {
      // A wrong password is not shown twice.
      if (recalled?.key === keyOf(way, this.#scopes)) throw recalled.error;
      return await this.#bearer(way, { used, signal });
    } catch (error) {
      // What one request wanted, such as another repository to mount from, must not keep others out.
      this.#scopes = before;
      throw error;
    }
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
    const { realm, service } = way;
    const ask = () => this.#asker.ask({ realm, service, scopes }, { signal });
    try {
      return bearer(await this.#tokens.renew(key, { signal, ask }));
    } catch (error) {
      if (!hasCode(error, 'DENIED') || scopes.length < 2) throw error;
      this.#scopes = scopes.slice(0, 1);
      return this.#bearer(way, { used, signal });
    }
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
