import { timingSafeEqual } from 'node:crypto';
import { RegistryError } from './registry-error.ts';

/** The one login that a server accepts. */
export interface BasicLogin {
  readonly user: string;
  /** As hard to guess as a key. */
  readonly password: string;
}

/**
 * Lets nobody in without the login.
 * https://www.rfc-editor.org/rfc/rfc7617
 * @throws RegistryError 401
 */
export function requireLogin(request: Request, { user, password }: BasicLogin): void {
  const [, given] = /^basic +(\S+)$/i.exec(request.headers.get('authorization') ?? '') ?? [];
  const wanted = Buffer.from(`${user}:${password}`).toString('base64');
  // Digests have one length, which is what the comparison takes.
  if (given !== undefined && timingSafeEqual(digest(given), digest(wanted))) return;
  throw new RegistryError(401, 'UNAUTHORIZED', {
    message: 'this registry is for those who know its password',
    headers: { 'WWW-Authenticate': 'Basic realm="finch"', Connection: 'close' },
  });
}

function digest(text: string): Uint8Array {
  return new Bun.CryptoHasher('sha256').update(text).digest();
}
