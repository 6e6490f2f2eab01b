import { isJsonObject } from '../oci/json.ts';
import type { Credential } from './credential.ts';

/** A longer secret is not looked into, in characters. */
const MAX_SECRET_LENGTH = 64 * 1024;

/** The greatest time that a `Date` holds, in seconds. */
const MAX_SECONDS = 8.64e12;

/**
 * When a secret ends, where it says so itself: a JSON Web Token in `exp`, a password of Amazon ECR in
 * `expiration`. Both are believed without a look at the signature: it is shown, and a login of which it says
 * that, by the clock of this machine, it is over is passed over where another can be made.
 * https://www.rfc-editor.org/rfc/rfc7519#section-4.1.4
 */
export function expiryOf(credential: Credential): Date | undefined {
  const secret = credential.kind === 'password' ? credential.secret : credential.token;
  if (secret.length > MAX_SECRET_LENGTH) return undefined;
  const parts = secret.split('.');
  const seconds =
    parts.length === 3 ? numberIn(parts[1] ?? '', 'exp') : numberIn(secret, 'expiration');
  return seconds === undefined ? undefined : new Date(seconds * 1000);
}

/** A time in the JSON that `text` holds in Base64, of either alphabet. */
function numberIn(text: string, key: string): number | undefined {
  if (!text.startsWith('e')) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64').toString('utf8'));
    const seconds = isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
    return typeof seconds === 'number' && Math.abs(seconds) <= MAX_SECONDS ? seconds : undefined;
  } catch {
    return undefined;
  }
}
