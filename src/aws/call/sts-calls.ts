import type { AwsIdentity } from '../identity.ts';
import { type AwsCallOptions, callAws } from './call.ts';
import { stsEndpoint } from './endpoints.ts';
import type { AwsOutcome } from './refusal.ts';
import { xmlText } from './xml.ts';

/** Whom AWS takes a caller for. */
export interface CallerIdentity {
  /** Twelve digits. */
  readonly account: string;
  /** `arn:aws:iam::111222333444:user/alice`. */
  readonly arn: string;
  readonly userId: string;
}

/** How {@link callerIdentity} asks. */
export interface CallerIdentityOptions extends AwsCallOptions {
  /** Where: keys are good in the regions of their partition only. Default: that of the identity, or us-east-1. */
  readonly region?: string | undefined;
}

/**
 * Asks AWS who the caller is, which everybody may.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
 * @throws FinchError `AWS_IDENTITY`, `USAGE` for an endpoint or a region that cannot be used, `CANCELLED`
 */
export async function callerIdentity(
  identity: AwsIdentity,
  { region, ...options }: CallerIdentityOptions,
): Promise<AwsOutcome<CallerIdentity>> {
  const asked = region ?? (await identity.region()) ?? 'us-east-1';
  const call = {
    service: 'sts',
    action: 'GetCallerIdentity',
    endpoint: await stsEndpoint(asked, identity, options.surroundings),
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    body: 'Action=GetCallerIdentity&Version=2011-06-15',
    read: readCaller,
  } as const;
  return callAws(call, identity, options);
}

function readCaller(xml: string): CallerIdentity | undefined {
  const account = xmlText(xml, 'Account') ?? '';
  const arn = xmlText(xml, 'Arn') ?? '';
  const userId = xmlText(xml, 'UserId') ?? '';
  const isWhole =
    /^\d{12}$/.test(account) &&
    /^arn:[!-~]{1,2048}$/.test(arn) &&
    /^[\w:=,.@+-]{2,256}$/.test(userId);
  return isWhole ? { account, arn, userId } : undefined;
}
