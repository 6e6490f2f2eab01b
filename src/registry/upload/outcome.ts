import { isPassing, networkCode } from '../../http/failure.ts';
import { isPassingStatus } from '../../http/retry.ts';
import { askedWaitMs } from '../../http/retry-after.ts';
import type { RepositoryApi } from '../api.ts';
import { wasRenewed } from '../auth.ts';
import { type Refusal, refusalError } from '../errors.ts';
import type { Session } from './session.ts';

/** A request that was in vain. */
export interface Failure {
  readonly error: unknown;
  /** What the user is told that is waited for. */
  readonly why: string;
  /** Milliseconds that the registry asks to wait; 0 when there is nothing to wait for. */
  readonly wait?: number;
  /** Whether the registry asks for less at once. */
  readonly isThrottled?: boolean;
}

/** Where an upload stands after a step. */
export type Standing =
  /** The registry has the blob. */
  | { readonly kind: 'stored' }
  /** The registry has taken it from another of its repositories. */
  | { readonly kind: 'mounted'; readonly from: string }
  /** The registry has as much as the session says. */
  | { readonly kind: 'at'; readonly session: Session }
  /** It may have any part of what was sent: only it can tell. */
  | {
      readonly kind: 'unsure';
      readonly failure?: Failure;
      /** Whether it said that it has all of it, which is to be seen. */
      readonly isClaimed?: true;
    }
  /** There is a new token or login now, with which the same may be taken. */
  | { readonly kind: 'renewed'; readonly failure: Failure }
  /** The session is no more. */
  | { readonly kind: 'lost'; readonly failure?: Failure };

/** How a request of an upload ended. */
export type Outcome =
  | Standing
  /** The body was too long (413). */
  | { readonly kind: 'tooLong'; readonly failure: Failure }
  /** The registry did not expect these bytes now (416). */
  | { readonly kind: 'outOfRange'; readonly failure: Failure }
  /** The bytes that the registry has are not those of the digest, or it may be so. */
  | { readonly kind: 'mismatch'; readonly failure: Failure }
  /** It says no to a request like this. */
  | {
      readonly kind: 'refused';
      readonly failure: Failure;
      /** Whether it knows no such request. */
      readonly isUnsupported: boolean;
    };

/** Codes of a session that the registry does not know any more. */
const LOST_SESSION = ['BLOB_UPLOAD_UNKNOWN', 'BLOB_UPLOAD_INVALID'];

/** What passes of an upload, too: 409 while a request that broke is not over there, 499 of nginx. */
const PASSING = [409, 425, 499];

/** Statuses of a server that knows no such request. */
const UNSUPPORTED = [405, 501];

/** Codes of a host that cannot be reached, which means more when it could be a moment ago. */
const AWAY = [
  ...['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN', 'ENOTFOUND', 'EPROTO'],
  ...['ENETDOWN', 'ECONNCLOSED', 'ConnectionClosed'],
];

/** What an answer that is no good means for the upload. */
export function outcomeOf(
  response: Response,
  { refusal, api }: { readonly refusal: Refusal; readonly api: RepositoryApi },
): Outcome {
  const { status, codes } = refusal;
  const error = refusalError(refusal, api);
  const failure = { error, why: 'the registry has a problem' };
  if (wasRenewed(response)) return { kind: 'renewed', failure: { ...failure, wait: 0 } };
  const isThrottled = status === 429 || status === 503 || codes.includes('TOOMANYREQUESTS');
  if (isThrottled || PASSING.includes(status) || isPassingStatus(status)) {
    const wait = askedWaitMs(response.headers, Date.now());
    const why = isThrottled ? 'the registry asks to' : failure.why;
    return {
      kind: 'unsure',
      failure: { ...failure, why, isThrottled, ...(wait !== undefined && { wait }) },
    };
  }
  const atOnce = { ...failure, wait: 0 };
  if (status === 413) return { kind: 'tooLong', failure: atOnce };
  if (status === 416) return { kind: 'outOfRange', failure: atOnce };
  if (codes.includes('DIGEST_INVALID')) return { kind: 'mismatch', failure: atOnce };
  const isLost =
    status === 404 || status === 410 || codes.some((one) => LOST_SESSION.includes(one));
  if (isLost) return { kind: 'lost', failure: atOnce };
  return { kind: 'refused', failure: atOnce, isUnsupported: UNSUPPORTED.includes(status) };
}

/**
 * What it means for the upload that no answer came.
 * @param isKnown whether the registry has answered before, so that one that is away now may come back
 * @throws `error` when it stays as it is
 */
export function outcomeOfError(error: unknown, isKnown: boolean): Standing {
  const isAway = isKnown && AWAY.includes(networkCode(error) ?? '');
  if (!isAway && !isPassing(error)) throw error;
  const why =
    networkCode(error) === 'ETIMEDOUT' ? 'the registry fell silent' : 'the connection was cut';
  return { kind: 'unsure', failure: { error, why } };
}

/** Whether the registry did nothing for too long. */
export function isSilence(outcome: Outcome): boolean {
  return outcome.kind === 'unsure' && networkCode(outcome.failure?.error) === 'ETIMEDOUT';
}

/** The same where nothing is gained by waiting, unless the registry asks to. */
export function atOnce<Kind extends Outcome & { readonly failure?: Failure }>(outcome: Kind): Kind {
  const { failure } = outcome;
  return failure ? { ...outcome, failure: { wait: 0, ...failure } } : outcome;
}
