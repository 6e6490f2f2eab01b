import type { AbortOptions } from '../content.ts';
import type { Credential } from '../credentials/credential.ts';
import type { KeychainOptions } from '../credentials/keychain.ts';
import { FinchError, hasCode } from '../errors.ts';
import { pause } from '../http/retry.ts';

/** Says who the user is; `afresh` past all that is remembered, where another was `refused`. */
export type AskCredential = (
  options: AbortOptions & Pick<KeychainOptions, 'afresh' | 'refused' | 'hasEnded'>,
) => Promise<Credential | undefined>;

/**
 * Before each look for what took the place of a refused identity token, in milliseconds: whoever used it
 * up, in another process, keeps the next one a moment later.
 */
const LOOKS_AFTER_MS = [0, 100, 400];

/** Of more identity tokens none is tried for one token. */
const MAX_REFUSED = 16;

/** Who the user is in one session: asked for once, and again when it is good no more. */
export class SessionLogin {
  readonly #ask: AskCredential;
  readonly #now: () => number;
  /** Identity tokens that took the place of the one that is kept, by the realm that gave them. */
  readonly #rotated = new Map<string, string>();
  #credential: Promise<Credential | undefined> | undefined;

  /** @param now milliseconds since 1970 */
  constructor(ask: AskCredential, now: () => number) {
    this.#ask = ask;
    this.#now = now;
  }

  /** Undefined for nobody. */
  async get(options: Parameters<AskCredential>[0]): Promise<Credential | undefined> {
    this.#credential ??= this.#ask(options);
    try {
      return await this.#credential;
    } catch (error) {
      this.#credential = undefined;
      throw error;
    }
  }

  /** Who the user is at a token server, which may have given another identity token. */
  async at(realm: string, options: AbortOptions): Promise<Credential | undefined> {
    const kept = await this.get(options);
    const rotated = this.#rotated.get(realm);
    return rotated === undefined ? kept : identityToken(rotated);
  }

  /** Takes the identity token that a token server gave in the place of another. */
  rotate(realm: string, token: string): void {
    this.#rotated.set(realm, token);
  }

  /** The identity token that took the place of refused ones, if there is one. */
  async successor(
    realm: string,
    { refused, signal }: AbortOptions & { readonly refused: ReadonlySet<string> },
  ): Promise<Credential | undefined> {
    if (refused.size >= MAX_REFUSED) return undefined;
    const rotated = this.#rotated.get(realm);
    if (rotated !== undefined && !refused.has(rotated)) return identityToken(rotated);
    for (const wait of LOOKS_AFTER_MS) {
      await pause(wait, { signal });
      this.#credential = undefined;
      const kept = await this.get({ afresh: true, signal });
      if (kept?.kind !== 'identity-token') return undefined;
      if (refused.has(kept.token)) continue;
      this.#rotated.delete(realm);
      return kept;
    }
    return undefined;
  }

  /** Whether it is a login that ends, in whose place there may be another. */
  async ends(): Promise<boolean> {
    const credential = await this.#credential;
    return credential?.kind === 'password' && credential.expires !== undefined;
  }

  /**
   * The login in place of one that ends and was refused, if there is another.
   * @param isProven whether the registry has taken it before; if not, it must have ended
   * @param hasEnded whether the registry says that it has, whatever it says itself
   */
  async another({
    isProven,
    hasEnded = false,
    signal,
  }: AbortOptions & { readonly isProven: boolean; readonly hasEnded?: boolean }): Promise<
    Credential | undefined
  > {
    const refused = await this.#credential;
    if (refused?.kind !== 'password' || refused.expires === undefined) return undefined;
    if (!isProven && !hasEnded && this.#now() < refused.expires.getTime()) return undefined;
    try {
      const next = await this.#ask({ afresh: true, refused, hasEnded, signal });
      if (next?.kind !== 'password' || next.secret === refused.secret) return undefined;
      this.#credential = Promise.resolve(next);
      return next;
    } catch (error) {
      // What the registry said says more.
      if (error instanceof FinchError && !hasCode(error, 'CANCELLED')) return undefined;
      throw error;
    }
  }
}

/** The credential that an identity token is. */
export function identityToken(token: string): Credential {
  return { kind: 'identity-token', token };
}
