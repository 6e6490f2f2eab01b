import { randomBytes } from 'node:crypto';
import { AWS_PASSWORD_CANARY } from './secrets.ts';
import type { IssuedToken } from './state.ts';

/** The tokens that were given out. */
export class Tokens {
  /** By password. */
  readonly #issued = new Map<string, IssuedToken>();

  /**
   * A new token: what a registry takes as a password, behind `AWS:`, in base64. As AWS's own do, the password
   * says in JSON, in base64, when it ends.
   */
  issue(token: IssuedToken): string {
    const begin = atob(AWS_PASSWORD_CANARY).split('"').at(-1);
    const password = btoa(
      JSON.stringify({
        payload: `${begin}${randomBytes(600).toString('base64')}`,
        datakey: randomBytes(100).toString('base64'),
        ...{ version: '2', type: 'DATA_KEY' },
        expiration: Math.floor(token.expires.getTime() / 1000),
      }),
    );
    this.#issued.set(password, token);
    return Buffer.from(`AWS:${password}`).toString('base64');
  }

  /** What is known of a token or of its password. */
  find(token: string): IssuedToken | undefined {
    return this.#issued.get(passwordOf(token));
  }

  /** Ends one. */
  expire(token: string): void {
    const known = this.find(token);
    if (known === undefined) throw new Error('the stand-in has not given out this token');
    this.#issued.set(passwordOf(token), { ...known, expires: new Date(0) });
  }
}

function passwordOf(token: string): string {
  const plain = Buffer.from(token, 'base64').toString();
  return plain.startsWith('AWS:') ? plain.slice('AWS:'.length) : token;
}
