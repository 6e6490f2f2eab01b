import type { EcrToken } from '../aws.ts';

/** A token is not used in its last minute: it has to last until the registry sees it. */
const MARGIN_MS = 60_000;

/** A token, and when it was asked for. */
export interface RememberedToken {
  readonly token: EcrToken;
  /** In milliseconds since 1970. */
  readonly requested: number;
  /** When the keys that it was asked for with end, in milliseconds since 1970, where they do and that is known. */
  readonly keysEnd?: number | undefined;
}

/** Whether a registry will still take it. `now` in milliseconds since 1970. */
export function isUsable({ token }: RememberedToken, now: number): boolean {
  return now < token.expires.getTime() - MARGIN_MS;
}

/**
 * Whether less than half of its life is over, and its keys have not ended: until then it is used without a
 * question to AWS.
 */
export function isYoung({ token, requested, keysEnd }: RememberedToken, now: number): boolean {
  const ends = token.expires.getTime();
  return now < Math.min(ends - (ends - requested) / 2, keysEnd ?? ends);
}
