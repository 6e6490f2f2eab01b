import type { AbortOptions } from '../../content.ts';
import { hasCode } from '../../errors.ts';
import { readStart } from '../../http/body.ts';
import { cleanText } from '../../http/clean-text.ts';
import { isPassing, networkCode } from '../../http/failure.ts';
import { proxyFor } from '../../http/proxy.ts';
import { isPassingStatus, pause } from '../../http/retry.ts';
import type { AwsIdentity, AwsService } from '../identity.ts';
import type { AwsSurroundings } from '../surroundings.ts';
import { aheadOf, awsTime } from './clock.ts';
import type { AwsEndpoint } from './endpoints.ts';
import { readErrorAnswer } from './error-answer.ts';
import type { AwsAsked, AwsOutcome, AwsRefusal } from './refusal.ts';
import { type Means, Remedies } from './remedies.ts';
import { signRequest } from './sign.ts';
import { assertUsable } from './usable-keys.ts';

/** One operation of a service. */
export interface AwsCall<T> {
  readonly service: AwsService;
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
}

const ATTEMPTS = 3;

/** How long an answer may take to begin. */
const PATIENCE_MS = 10_000;

/** After this long no attempt is begun, and the one that runs is given up. */
const TOTAL_MS = 15_000;

/** A half of the longest pause before the second attempt; each is twice as long as the one before. */
const FIRST_PAUSE_MS = 200;

const MAX_ANSWER_BYTES = 128 * 1024;

/** How AWS says that it was asked too often. */
const THROTTLED = /^(?:Throttl|RequestThrottled|TooManyRequests|RequestLimitExceeded|SlowDown)/;

/**
 * Calls AWS in the name of an identity. Throttling, faults of a server and broken connections are tried again, 3 times
 * and 15 seconds in all; a request that AWS finds signed at another time than its own is signed once more by its clock.
 * @throws FinchError `AWS_IDENTITY` without keys, `CANCELLED`
 */
export async function callAws<T>(
  call: AwsCall<T>,
  identity: AwsIdentity,
  { surroundings, signal }: AwsCallOptions,
): Promise<AwsOutcome<T>> {
  const { endpoint } = call;
  const keys = await identity.keys({ signal });
  assertUsable(keys, identity);
  let means: Means = { url: endpoint.url, keys };
  const ca = await identity.authorities();
  const deadline = AbortSignal.timeout(TOTAL_MS);
  const stop = signal ? AbortSignal.any([signal, deadline]) : deadline;
  const context = { ca, source: identity.source, surroundings, deadline, signal: stop };
  const remedies = new Remedies();
  for (let attempt = 1; ; ) {
    const { outcome, again } = await attemptCall(call, { ...context, ...means });
    if (outcome.ok) return outcome;
    const asked = { means, endpoint, identity, surroundings, signal };
    const better = await remedies.against(outcome.refusal, asked);
    if (better === undefined) {
      if (!again || attempt >= ATTEMPTS || deadline.aborted) return outcome;
      await pause(Math.random() * FIRST_PAUSE_MS * 2 ** attempt, { signal });
      attempt += 1;
    }
    means = better ?? means;
  }
}

/** All that one attempt depends on. */
interface AttemptOptions extends AwsCallOptions, Means {
  readonly ca: readonly string[] | undefined;
  readonly source: string;
  /** Fires when the time is over, which is no wish of the user's. */
  readonly deadline: AbortSignal;
}

/** What came of one attempt, and whether another one makes sense. */
interface Attempt<T> {
  readonly outcome: AwsOutcome<T>;
  readonly again: boolean;
}

async function attemptCall<T>(call: AwsCall<T>, options: AttemptOptions): Promise<Attempt<T>> {
  const { keys, ca, url, surroundings, signal, deadline } = options;
  const { service, endpoint, body } = call;
  const headers = signRequest(
    { method: 'POST', url, headers: call.headers, body },
    { keys, service, region: endpoint.region, now: awsTime(surroundings) },
  );
  try {
    const response = await surroundings.transport({
      ...{ method: 'POST', url, signal, patienceMs: PATIENCE_MS },
      headers: { ...headers, 'user-agent': surroundings.userAgent },
      body: () => ({ bytes: new TextEncoder().encode(body) }),
      ...(ca !== undefined && { tls: { ca } }),
    });
    const limit = call.limit ?? MAX_ANSWER_BYTES;
    const { bytes, whole } = await readStart(response, { limit, stallMs: PATIENCE_MS, signal });
    if (whole) return answered(response, new TextDecoder().decode(bytes), { call, options });
    const message = `it sent more than ${limit} bytes`;
    return refused(call, options, { kind: 'foreign', isPassing: false, type: '', message });
  } catch (error) {
    const isOver = hasCode(error, 'CANCELLED') && deadline.aborted;
    if (!isOver && !hasCode(error, 'NETWORK')) throw error;
    const message = isOver ? `${url.host} did not answer in time` : error.message;
    const type = isOver ? 'ETIMEDOUT' : (networkCode(error) ?? '');
    const refusal = { kind: 'unreachable', isPassing: true, type, message, cause: error } as const;
    return refused(call, options, refusal, { again: isPassing(error) });
  }
}

function answered<T>(
  response: Response,
  text: string,
  { call, options }: { call: AwsCall<T>; options: AttemptOptions },
): Attempt<T> {
  const { status, headers } = response;
  const { surroundings } = options;
  const value = status === 200 ? call.read(text) : undefined;
  if (value !== undefined) return { outcome: { ok: true, value }, again: false };
  const isBusy = isPassingStatus(status);
  const error = status >= 400 ? readErrorAnswer(text, headers) : undefined;
  if (error === undefined) {
    const type = headers.get('content-type')?.replace(/;.*/s, '') ?? 'no type';
    const message = cleanText(`${status} ${type}`);
    const foreign = { kind: 'foreign', isPassing: true, status, type: '', message } as const;
    return refused(call, options, foreign, { again: isBusy });
  }
  const request = headers.get('x-amzn-requestid') ?? 'none';
  surroundings.trace(`AWS: ${error.type}, request ${cleanText(request)}: ${error.message}`);
  const again = isBusy || THROTTLED.test(error.type);
  const clockAheadMs = aheadOf(response, awsTime(surroundings));
  const clock = clockAheadMs === undefined ? {} : { clockAheadMs };
  const refusal = { kind: 'refused', isPassing: again, status, ...error, ...clock } as const;
  return refused(call, options, refusal, { again });
}

function refused<T>(
  { service, action, endpoint }: AwsCall<T>,
  { url, keys, source, surroundings }: AttemptOptions,
  reason: Omit<AwsRefusal, keyof AwsAsked>,
  { again = false }: { readonly again?: boolean } = {},
): Attempt<T> {
  const proxy = proxyFor(url, surroundings.env);
  const asked: AwsAsked = {
    ...{ action: `${service}:${action}`, service, region: endpoint.region, host: url.host },
    ...{ isOverridden: endpoint.isOverridden, source, accessKeyId: keys.accessKeyId },
    proxy: proxy && `${proxy.host} of ${proxy.variable}`,
    isSession: keys.sessionToken !== undefined,
  };
  return { outcome: { ok: false, refusal: { ...asked, ...reason } }, again };
}
