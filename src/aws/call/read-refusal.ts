import { cleanText } from '../../http/clean-text.ts';
import { networkCode } from '../../http/failure.ts';
import { proxyFor } from '../../http/proxy.ts';
import { isPassingStatus } from '../../http/retry.ts';
import type { Environment } from '../surroundings.ts';
import { readErrorAnswer } from './error-answer.ts';
import type { AwsAsked, AwsRefusal } from './refusal.ts';
import { THROTTLED } from './refusal-types.ts';

/** What a refusal says beside who asked for what. */
export type RefusalReason = Omit<AwsRefusal, keyof AwsAsked>;

/** Why an answer is no result: AWS says no, or it is none of AWS. */
export function answerReason({ status, headers }: Response, text: string): RefusalReason {
  const error = status >= 400 ? readErrorAnswer(text, headers) : undefined;
  if (error === undefined) {
    const type = headers.get('content-type')?.replace(/;.*/s, '') ?? 'no type';
    return {
      kind: 'foreign',
      isPassing: true,
      status,
      type: '',
      message: cleanText(`${status} ${type}`),
    };
  }
  const isBusy = isPassingStatus(status) || THROTTLED.test(error.type);
  return { kind: 'refused', isPassing: isBusy, status, ...error };
}

/** Why an answer that is too long is no result. */
export function lengthReason(limit: number): RefusalReason {
  return {
    kind: 'foreign',
    isPassing: false,
    type: '',
    message: `it sent more than ${limit} bytes`,
  };
}

/** Why there is no answer; `waitedMs` is how long one was waited for, where that is why. */
export function silenceReason(
  error: Error,
  { host, isOver, waitedMs }: { host: string; isOver: boolean; waitedMs: number },
): RefusalReason {
  const type = isOver ? 'ETIMEDOUT' : (networkCode(error) ?? '');
  const isLate = type === 'ETIMEDOUT';
  const message = isLate
    ? `${host} did not answer in ${Math.round(waitedMs / 1000)} s`
    : error.message;
  return { kind: 'unreachable', isPassing: true, type, message, cause: error };
}

/** Where a request goes, and by which way. */
export function wayTo(url: URL, env: Environment): Pick<AwsAsked, 'host' | 'proxy' | 'noProxy'> {
  const proxy = proxyFor(url, env);
  const noProxy = env['NO_PROXY'] || env['no_proxy'];
  return {
    host: url.host,
    proxy: proxy && `${proxy.host} of ${proxy.variable}`,
    noProxy: noProxy && cleanText(noProxy, { limit: 200 }),
  };
}
