import { type ErrorCode, hasCode } from '../../errors.ts';
import type { JsonObject } from '../../oci/json.ts';

/** What a remembered failure can be. */
const CODES = ['AWS_IDENTITY', 'AWS', 'NETWORK', 'CONFIG_INVALID', 'IO', 'USAGE'] as const;

/** No message of finch is longer than this, in characters. */
const MAX_TEXT = 4096;

/** Why there is no token, as it can be written down. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | undefined;
  /** Whether the same call may go through later. */
  readonly isPassing: boolean;
}

/**
 * The failure that an error tells of; undefined when it is none to be remembered: the user has interrupted, or
 * finch has a fault.
 */
export function failureOf(
  error: unknown,
  { isPassing }: { readonly isPassing: boolean },
): Failure | undefined {
  if (!hasCode(error, ...CODES)) return undefined;
  const { code, message, hint } = error;
  if (message.length > MAX_TEXT || (hint ?? '').length > MAX_TEXT) return undefined;
  return { code, message, hint, isPassing };
}

/** A failure as it was written down; undefined when that is none. */
export function readFailure({ code, message, hint, isPassing }: JsonObject): Failure | undefined {
  const known = CODES.find((each) => each === code);
  if (known === undefined || typeof message !== 'string') return undefined;
  const text = typeof hint === 'string' ? hint : undefined;
  return { code: known, message, hint: text, isPassing: isPassing === true };
}
