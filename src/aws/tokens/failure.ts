import { type ErrorCode, hasCode } from '../../errors.ts';
import type { JsonObject } from '../../oci/json.ts';
import { isOfProgram, isPassing } from '../identity-errors.ts';

/** What a remembered failure can be. */
const CODES = ['AWS_IDENTITY', 'AWS', 'NETWORK', 'CONFIG_INVALID', 'IO', 'USAGE'] as const;

/**
 * Why there is no token, as it can be written down: without the words, which may be those of AWS or of a program,
 * and which the user has read.
 */
export interface Failure {
  readonly code: ErrorCode;
  /** Is another one for other words. */
  readonly hash: string;
  /** Whether the same call may go through later. */
  readonly isPassing: boolean;
}

/**
 * The failure that an error tells of; undefined when it is none to be remembered: the user has interrupted,
 * finch has a fault, or a program of the user's has failed.
 */
export function failureOf(error: unknown): Failure | undefined {
  if (!hasCode(error, ...CODES) || isOfProgram(error)) return undefined;
  const hash = new Bun.CryptoHasher('sha256').update(error.message).digest('hex');
  return { code: error.code, hash, isPassing: isPassing(error) };
}

/** A failure as it was written down; undefined when that is none. */
export function readFailure({ code, hash, isPassing }: JsonObject): Failure | undefined {
  const known = CODES.find((each) => each === code);
  if (known === undefined || typeof hash !== 'string') return undefined;
  return { code: known, hash, isPassing: isPassing === true };
}
