import { setTimeout as sleep } from 'node:timers/promises';
import type { AbortOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import { discardBody } from './body.ts';
import { isPassing, networkCode } from './failure.ts';
import { Pauses } from './pauses.ts';
import { askedWaitMs } from './retry-after.ts';
import type { HttpRequest, Transport } from './transport.ts';

/** How often and how long to try. Tests give their own clock. */
export interface RetryOptions {
  /** Sends in all, the first one included. Default: 5. */
  readonly attempts?: number;
  /** Waits; rejects when the signal fires. */
  readonly sleep?: (ms: number, options: AbortOptions) => Promise<void>;
  /** A number from 0 to 1. */
  readonly random?: () => number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

const ATTEMPTS = 5;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;

/** Who did not answer for minutes is asked only once more. */
const SILENT_ATTEMPTS = 2;

/** The last five are those of a proxy before a server that it does not reach (Cloudflare). */
const PASSING_STATUS = new Set([408, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524]);

/** Whether an answer of this status may be another one soon. */
export function isPassingStatus(status: number): boolean {
  return PASSING_STATUS.has(status);
}

/**
 * Sends idempotent requests again when the connection broke or the server was busy or broken, with full
 * jitter between the attempts, or as long after as the server asked. Refused connections, unknown hosts
 * and bad certificates are not tried again: they do not change in seconds. Nor is a server that asks for
 * longer pauses than {@link Pauses} has, or that did not answer twice. A request that is not to be sent
 * blindly (`once`) goes out once. All take the pauses at a gate (`host-gate.ts`) from their own.
 * @throws what the last attempt threw
 */
export function withRetry(transport: Transport, options: RetryOptions = {}): Transport {
  const attempts = options.attempts ?? ATTEMPTS;
  return async (request) => {
    // Who may not try again does not want to wait either.
    const { pauses = new Pauses(attempts > 1 ? undefined : 0) } = request;
    const paced = { ...request, pauses };
    if (request.once || !isIdempotent(request)) return transport(paced);
    for (let attempt = 1; ; attempt += 1) {
      // What was opened ahead for the first may still be of use.
      const outcome = await tryOnce(transport, attempt === 1 ? paced : { ...paced, ahead: 0 });
      const wait = attempt < attempts ? waitAfter(outcome, attempt, options) : undefined;
      if (wait === undefined || !pauses.take(wait)) {
        if (outcome instanceof Response) return outcome;
        throw outcome.error;
      }
      if (outcome instanceof Response) await discardBody(outcome);
      await pause(wait, { ...options, signal: request.signal });
    }
  };
}

function isIdempotent({ idempotent, method }: HttpRequest): boolean {
  return idempotent ?? (method === 'GET' || method === 'HEAD' || method === 'DELETE');
}

async function tryOnce(
  transport: Transport,
  request: HttpRequest,
): Promise<Response | { readonly error: unknown }> {
  try {
    return await transport(request);
  } catch (error) {
    return { error };
  }
}

/** Milliseconds to wait after so many attempts, from 1, where nobody says how long: full jitter, up to 30 s. */
export function jittered(attempt: number, random: () => number): number {
  return random() * Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
}

/**
 * How long to wait before the next attempt, in milliseconds.
 * @returns undefined when another attempt makes no sense
 */
export function waitAfter(
  outcome: Response | { readonly error: unknown },
  attempt: number,
  { random = Math.random, now = Date.now }: RetryOptions = {},
): number | undefined {
  const wait = jittered(attempt, random);
  if (!(outcome instanceof Response)) {
    const isSilence = networkCode(outcome.error) === 'ETIMEDOUT';
    if (isSilence && attempt >= SILENT_ATTEMPTS) return undefined;
    return isPassing(outcome.error) ? wait : undefined;
  }
  if (!isPassingStatus(outcome.status)) return undefined;
  return Math.max(askedWaitMs(outcome.headers, now()) ?? 0, wait);
}

/**
 * Waits for `ms`.
 * @throws FinchError `CANCELLED` when the signal fires first
 */
export async function pause(
  ms: number,
  { sleep: wait = nativeSleep, signal }: RetryOptions & AbortOptions = {},
): Promise<void> {
  try {
    await wait(ms, { signal });
  } catch (cause) {
    throw new FinchError('CANCELLED', 'cancelled', { cause });
  }
}

async function nativeSleep(ms: number, { signal }: AbortOptions): Promise<void> {
  await sleep(ms, undefined, signal ? { signal } : {});
}
