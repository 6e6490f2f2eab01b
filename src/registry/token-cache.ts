import type { AbortOptions } from '../content.ts';
import { hasCode } from '../errors.ts';
import type { Token } from './token-answer.ts';

/**
 * The tokens of one user at one registry, by what they are for. A token is asked for once, however many
 * requests wait for it, and again when it has not long to live.
 */
export class TokenCache {
  readonly #now: () => number;
  readonly #tokens = new Map<string, Token>();
  readonly #asked = new Map<string, Promise<Token>>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** The token for `key` that can still be used, if there is one. */
  get(key: string): Token | undefined {
    const token = this.#tokens.get(key);
    return token !== undefined && this.#now() < token.renewAt ? token : undefined;
  }

  /** The last token for `key`, also when it cannot be used any more. */
  last(key: string): Token | undefined {
    return this.#tokens.get(key);
  }

  /** A new token for `key`, whatever there is; of those who want it at the same time one asks. */
  async renew(
    key: string,
    { signal, ask }: AbortOptions & { readonly ask: () => Promise<Token> },
  ): Promise<Token> {
    const others = this.#asked.get(key);
    if (others !== undefined) {
      try {
        return await others;
      } catch (error) {
        // Who asked has gone away; whoever still wants it asks again.
        if (!hasCode(error, 'CANCELLED') || signal?.aborted) throw error;
        return this.renew(key, { signal, ask });
      }
    }
    const asked = ask();
    this.#asked.set(key, asked);
    try {
      const token = await asked;
      this.#tokens.set(key, token);
      return token;
    } finally {
      this.#asked.delete(key);
    }
  }
}
