import type { AbortOptions } from '../../content.ts';
import { hasCode } from '../../errors.ts';
import { readStart } from '../../http/body.ts';
import { cleanText } from '../../http/clean-text.ts';
import { isPassing } from '../../http/failure.ts';
import { isPassingStatus, pause } from '../../http/retry.ts';
import type { AwsKeys } from '../identity.ts';
import type { AwsSurroundings } from '../surroundings.ts';
import type { AwsCaller } from './caller.ts';
import { aheadOf, awsTime } from './clock.ts';
import type { AwsEndpoint } from './endpoints.ts';
import {
  answerReason,
  lengthReason,
  type RefusalReason,
  silenceReason,
  wayTo,
} from './read-refusal.ts';
import type { AwsAsked, AwsOutcome, SigningKey } from './refusal.ts';
import { THROTTLED } from './refusal-types.ts';
import { type Means, Remedies } from './remedies.ts';
import { signRequest } from './sign.ts';
import { assertUsable } from './usable-keys.ts';

/** One operation of a service. */
export interface AwsCall<T> {
  /** As it is named in signatures: `ecr`. */
  readonly service: string;
  /** `GetAuthorizationToken`. */
  readonly action: string;
  readonly endpoint: AwsEndpoint;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The most bytes of an answer. Default: 128 KiB. */
  readonly limit?: number;
  /** What an answer says; undefined when it is none of AWS. Never throws. */
  readonly read: (text: string) => T | undefined;
}

/** What every call needs beside who calls. */
export interface AwsCallOptions extends AbortOptions {
  readonly surroundings: AwsSurroundings;
  /** Default: 5 and 10 seconds. */
  readonly limits?: CallLimits;
}

/** How long a call may take once there are keys, in milliseconds. */
interface CallLimits {
  /** Until an answer begins. */
  readonly beginMs: number;
  /** In all: after this no attempt is begun, and the one that runs is given up. */
  readonly totalMs: number;
}

const ATTEMPTS = 3;

const LIMITS: CallLimits = { beginMs: 5_000, totalMs: 10_000 };

/** A half of the longest pause before the second attempt; each is twice as long as the one before. */
const FIRST_PAUSE_MS = 200;

const MAX_ANSWER_BYTES = 128 * 1024;

/**
 * Calls AWS in the name of an identity. Throttling, faults of a server and broken connections are tried again, 3 times
 * and 10 seconds in all; a request that AWS finds signed at another time than its own is signed once more by its clock.
 * @throws FinchError `AWS_IDENTITY` without keys, `CANCELLED`
 */
export async function callAws<T>(
  call: AwsCall<T>,
  identity: AwsCaller,
  { surroundings, limits = LIMITS, signal }: AwsCallOptions,
): Promise<AwsOutcome<T>> {
  const { endpoint } = call;
  const keys = await identity.keys({ signal });
  let means: Means = { url: endpoint.url, keys };
  const ca = await identity.authorities();
  const deadline = AbortSignal.timeout(limits.totalMs);
  const stop = signal ? AbortSignal.any([signal, deadline]) : deadline;
  const { source } = identity;
  const context = {
    ca,
    source,
    surroundings,
    limits,
    deadline,
    signal: stop,
    begun: Bun.nanoseconds(),
  };
  const remedies = new Remedies();
  for (let attempts = 1; ; ) {
    const { outcome, again } = await attemptCall(call, { ...context, ...means, attempts });
    if (outcome.ok) return outcome;
    const asked = { means, endpoint, identity, surroundings, signal };
    const better = await remedies.against(outcome.refusal, asked);
    if (better === undefined) {
      if (!again || attempts >= ATTEMPTS) return outcome;
      try {
        await pause(Math.random() * FIRST_PAUSE_MS * 2 ** attempts, { signal: stop });
      } catch (error) {
        // What AWS said last says more than that the time is over.
        if (deadline.aborted) return outcome;
        throw error;
      }
      attempts += 1;
    }
    means = better ?? means;
  }
}

/** All that one attempt depends on. */
interface AttemptOptions extends AwsCallOptions, Means {
  readonly ca: readonly string[] | undefined;
  readonly source: string;
  readonly limits: CallLimits;
  /** When the call began, by `Bun.nanoseconds`. */
  readonly begun: number;
  /** Which attempt this is, from 1. */
  readonly attempts: number;
  /** Fires when the time is over, which is no wish of the user's. */
  readonly deadline: AbortSignal;
}

/** What came of one attempt, and whether another one makes sense. */
interface Attempt<T> {
  readonly outcome: AwsOutcome<T>;
  readonly again: boolean;
}

async function attemptCall<T>(call: AwsCall<T>, options: AttemptOptions): Promise<Attempt<T>> {
  const { keys, ca, url, surroundings, signal, deadline, limits, begun } = options;
  const { service, endpoint, body } = call;
  const request = { method: 'POST', url, headers: call.headers, body } as const;
  const { region } = endpoint;
  if (keys) assertUsable(keys, options);
  const headers = keys
    ? signRequest(request, { keys, service, region, now: awsTime(surroundings) })
    : call.headers;
  try {
    const response = await surroundings.transport({
      ...{ method: 'POST', url, signal, patienceMs: limits.beginMs },
      headers: { ...headers, 'user-agent': surroundings.userAgent },
      body: () => ({ bytes: new TextEncoder().encode(body) }),
      ...(ca !== undefined && { tls: { ca } }),
    });
    const limit = call.limit ?? MAX_ANSWER_BYTES;
    const { bytes, whole } = await readStart(response, { limit, stallMs: limits.beginMs, signal });
    if (whole) return answered(response, new TextDecoder().decode(bytes), { call, options });
    return refused(call, options, lengthReason(limit));
  } catch (error) {
    const isOver = hasCode(error, 'CANCELLED') && deadline.aborted;
    if (!isOver && !hasCode(error, 'NETWORK')) throw error;
    const waitedMs = (Bun.nanoseconds() - begun) / 1e6;
    const reason = silenceReason(error, { host: url.host, isOver, waitedMs });
    // Who takes a connection and says nothing for seconds will not say more in the next ones.
    const again = isPassing(error) && reason.type !== 'ETIMEDOUT';
    return refused(call, options, reason, { again });
  }
}

function answered<T>(
  response: Response,
  text: string,
  { call, options }: { call: AwsCall<T>; options: AttemptOptions },
): Attempt<T> {
  const { status, headers } = response;
  const { surroundings, keys } = options;
  const value = status === 200 ? call.read(text) : undefined;
  if (value !== undefined) {
    const signer = keys && signerOf(keys);
    return { outcome: { ok: true, value, signer }, again: false };
  }
  const reason = answerReason(response, text);
  const again = isPassingStatus(status) || THROTTLED.test(reason.type);
  if (reason.kind === 'foreign') return refused(call, options, reason, { again });
  const request = headers.get('x-amzn-requestid') ?? 'none';
  surroundings.trace(`AWS: ${reason.type}, request ${cleanText(request)}: ${reason.message}`);
  const clockAheadMs = aheadOf(response, awsTime(surroundings));
  const clock = clockAheadMs === undefined ? {} : { clockAheadMs };
  return refused(call, options, { ...reason, ...clock }, { again });
}

/** The part of keys that is no secret. */
function signerOf({ accessKeyId, expires, assumedWith }: AwsKeys): SigningKey {
  return { accessKeyId, ...(expires && { expires }), ...(assumedWith && { assumedWith }) };
}

function refused<T>(
  { service, action, endpoint }: AwsCall<T>,
  { url, keys, source, surroundings, attempts }: AttemptOptions,
  reason: RefusalReason,
  { again = false }: { readonly again?: boolean } = {},
): Attempt<T> {
  const asked: AwsAsked = {
    ...{ action: `${service}:${action}`, service, region: endpoint.region },
    ...{ isOverridden: endpoint.isOverridden, source, accessKeyId: keys?.accessKeyId ?? '' },
    ...wayTo(url, surroundings.env),
    ...{ isSession: keys?.sessionToken !== undefined, attempts },
  };
  return { outcome: { ok: false, refusal: { ...asked, ...reason } }, again };
}
