import { hideSecret } from '../../http/redact.ts';
import type { AwsKeys } from '../identity.ts';
import { type AwsCallOptions, callAws } from './call.ts';
import type { AwsCaller } from './caller.ts';
import { stsEndpoint } from './endpoints.ts';
import type { AwsOutcome } from './refusal.ts';
import { xmlText } from './xml.ts';

/** The region whose STS is asked where nothing names one. */
const DEFAULT_REGION = 'us-east-1';

/** The same in other partitions, by what ARNs call them. */
const DEFAULT_REGIONS: Readonly<Record<string, string>> = {
  'aws-cn': 'cn-north-1',
  'aws-us-gov': 'us-gov-west-1',
  'aws-eusc': 'eusc-de-east-1',
  'aws-iso': 'us-iso-east-1',
  'aws-iso-b': 'us-isob-east-1',
  'aws-iso-e': 'eu-isoe-west-1',
  'aws-iso-f': 'us-isof-south-1',
};

/** Whom AWS takes a caller for. */
export interface CallerIdentity {
  /** Twelve digits. */
  readonly account: string;
  /** `arn:aws:iam::111222333444:user/alice`. */
  readonly arn: string;
  readonly userId: string;
}

/** How the calls of this file ask. */
export interface StsCallOptions extends AwsCallOptions {
  /**
   * Where: keys are good in the regions of their partition only. Default: that of the identity, or
   * else one of the partition that the role is in, us-east-1 for no role.
   */
  readonly region?: string | undefined;
}

/** A role, and how its session shall be. */
export interface AssumedRole {
  readonly roleArn: string;
  readonly sessionName: string;
  readonly externalId?: string | undefined;
  readonly durationSeconds?: number | undefined;
  readonly mfa?: { readonly serial: string; readonly code: string } | undefined;
}

/** A role for whoever another identity provider vouches for. */
export interface WebIdentityRole {
  readonly roleArn: string;
  readonly sessionName: string;
  /** What that provider says. */
  readonly token: string;
}

/**
 * Asks AWS who the caller is, which everybody may.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
 * @throws FinchError `AWS_IDENTITY`, `USAGE` for an endpoint or a region that cannot be used, `CANCELLED`
 */
export async function callerIdentity(
  caller: AwsCaller,
  options: StsCallOptions,
): Promise<AwsOutcome<CallerIdentity>> {
  return callSts(caller, { action: 'GetCallerIdentity', read: readCaller }, options);
}

/**
 * Asks for the keys of a role, in the name of the caller.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
 * @throws FinchError as {@link callerIdentity}
 */
export async function assumeRole(
  caller: AwsCaller,
  { roleArn, sessionName, externalId, durationSeconds, mfa }: AssumedRole,
  options: StsCallOptions,
): Promise<AwsOutcome<AwsKeys>> {
  const parameters = {
    ...{ RoleArn: roleArn, RoleSessionName: sessionName },
    ...(externalId !== undefined && { ExternalId: externalId }),
    ...(durationSeconds !== undefined && { DurationSeconds: `${durationSeconds}` }),
    ...(mfa !== undefined && { SerialNumber: mfa.serial, TokenCode: mfa.code }),
  };
  return callSts(caller, { action: 'AssumeRole', parameters, read: readKeys }, options);
}

/**
 * Asks for the keys of a role with a token, which says who asks: the caller needs no keys.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
 * @throws FinchError as {@link callerIdentity}
 */
export async function assumeRoleWithWebIdentity(
  caller: AwsCaller,
  { roleArn, sessionName, token }: WebIdentityRole,
  options: StsCallOptions,
): Promise<AwsOutcome<AwsKeys>> {
  hideSecret(token);
  const action = 'AssumeRoleWithWebIdentity';
  const parameters = { RoleArn: roleArn, RoleSessionName: sessionName, WebIdentityToken: token };
  return callSts(caller, { action, parameters, read: readKeys }, options);
}

/** One operation of AWS STS. */
interface StsCall<T> {
  readonly action: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly read: (xml: string) => T | undefined;
}

/** https://smithy.io/2.0/aws/protocols/aws-query-protocol.html */
async function callSts<T>(
  caller: AwsCaller,
  { action, parameters, read }: StsCall<T>,
  { region, ...options }: StsCallOptions,
): Promise<AwsOutcome<T>> {
  const asked = region ?? (await caller.region()) ?? regionFor(parameters?.['RoleArn']);
  const body = new URLSearchParams({ Action: action, Version: '2011-06-15', ...parameters });
  const call = {
    ...{ service: 'sts', action, read, body: body.toString() },
    endpoint: await stsEndpoint(asked, caller),
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
  } as const;
  return callAws(call, caller, options);
}

function regionFor(roleArn = ''): string {
  const [, partition = ''] = roleArn.split(':');
  return DEFAULT_REGIONS[partition] ?? DEFAULT_REGION;
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

function readKeys(xml: string): AwsKeys | undefined {
  const [accessKeyId = '', secretAccessKey = '', sessionToken = '', ends = ''] = [
    ...['AccessKeyId', 'SecretAccessKey', 'SessionToken', 'Expiration'],
  ].map((name) => xmlText(xml, name)?.trim());
  for (const secret of [secretAccessKey, sessionToken]) hideSecret(secret);
  const expires = new Date(ends);
  const isWhole =
    [accessKeyId, secretAccessKey, sessionToken].every((part) => /^[!-~]+$/.test(part)) &&
    !Number.isNaN(expires.getTime());
  return isWhole ? { accessKeyId, secretAccessKey, sessionToken, expires } : undefined;
}
