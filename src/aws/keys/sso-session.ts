import type { FinchError } from '../../errors.ts';
import { cleanText } from '../../http/clean-text.ts';
import { hideSecret } from '../../http/redact.ts';
import { awsRefusalError } from '../call/refusal-error.ts';
import { readSmallFile } from '../files/shared-config.ts';
import { loginCachePath, ssoTokenPath } from '../files/sign-in-files.ts';
import type { SsoSource } from '../files/sso-source.ts';
import { unusableIdentity } from '../identity-errors.ts';
import type { KeyContext } from './key-context.ts';
import type { LoginSource } from './key-source.ts';
import type { SdkRefusal } from './sdk-transport.ts';

/** What is known of the token that `aws sso login` left. */
export interface SsoToken {
  readonly expires: Date;
  /** Whether it can be renewed without the user. */
  readonly isRenewable: boolean;
}

/** What a renewal takes. */
const RENEWAL = ['refreshToken', 'clientId', 'clientSecret'];

/** Members of both files that open doors. */
const SECRETS = ['accessToken', 'refreshToken', 'clientSecret', 'dpopKey'];

/**
 * Looks at the token before it is used: the SDK says of a missing one, an old one and one that cannot be renewed no more
 * than that something is wrong.
 * @throws FinchError `AWS_IDENTITY` when the user has to sign in
 */
export async function usableSsoToken(
  source: SsoSource,
  { surroundings: { env, now } }: KeyContext,
): Promise<SsoToken> {
  const path = ssoTokenPath(source, env);
  const bytes = path && (await readSmallFile(path));
  if (!bytes) throw signIn(source, 'has not begun on this machine');
  const members = membersOf(bytes);
  // Older versions of the AWS CLI write the time zone as its name.
  const expires = new Date(members.get('expiresAt')?.replace(/UTC$/, 'Z') ?? Number.NaN);
  if (!members.has('accessToken') || Number.isNaN(expires.getTime())) {
    throw signIn(source, 'cannot be read');
  }
  const left = expires.getTime() - now();
  const isRenewable = source.session !== undefined && canRenew(members, now());
  if (left > 0 || isRenewable) return { expires, isRenewable };
  throw signIn(source, `expired at ${expires.toISOString()}`);
}

/** Whether a token can be renewed without the user, which the form with a session alone provides for. */
function canRenew(members: ReadonlyMap<string, string>, now: number): boolean {
  const until = new Date(members.get('registrationExpiresAt') ?? '9999-12-31').getTime();
  return RENEWAL.every((name) => members.has(name)) && until > now;
}

/** The error for a role that IAM Identity Center did not give; `refusal` is what came of the last request. */
export function ssoFailure(
  error: unknown,
  source: SsoSource,
  { expires, refusal }: Pick<SsoToken, 'expires'> & { readonly refusal: SdkRefusal | undefined },
): FinchError {
  const { role, account, profile, region } = source;
  const general = generalError(refusal, { action: 'sso:GetRoleCredentials', region, profile });
  if (general) return general;
  if (expires.getTime() <= Date.now()) {
    return signIn(source, `expired at ${expires.toISOString()}`, error);
  }
  if (refusal?.status === 401) return signIn(source, 'is not accepted any more', error);
  return unusableIdentity(
    `SSO gives AWS profile "${profile}" no role ${role} in account ${account}: ${saidBy(error, refusal)}`,
    `check sso_account_id and sso_role_name of profile ${profile} in ~/.aws/config`,
    error,
  );
}

/** The error for what any call may meet; undefined when AWS did answer, and said no. */
function generalError(
  refusal: SdkRefusal | undefined,
  { action, region, profile }: Record<'action' | 'region' | 'profile', string>,
): FinchError | undefined {
  if (refusal === undefined || (refusal.kind === 'refused' && !refusal.isPassing)) return undefined;
  const [service = ''] = action.split(':');
  const isOverridden = !/\.(?:amazonaws|amazon|amazonwebservices|aws)\./.test(`${refusal.host}.`);
  const asked = { action, service, region, isOverridden, source: `profile ${profile}` };
  const full = { ...refusal, ...asked, accessKeyId: '', isSession: true };
  const context = refusal.kind === 'unreachable' ? {} : { registry: `AWS profile "${profile}"` };
  return awsRefusalError(full, context);
}

/** What AWS says, or else the SDK, safe to show. */
function saidBy(error: unknown, refusal: SdkRefusal | undefined): string {
  if (refusal?.kind === 'refused') return refusal.message || refusal.type;
  if (!(error instanceof Error)) return 'no reason is given';
  return cleanText(error.message.replace(/^\w+Exception: /, ''), { limit: 300 });
}

/**
 * Looks for what `aws login` left.
 * @throws FinchError `AWS_IDENTITY` when the user has to sign in
 */
export async function assertLogin(
  source: LoginSource,
  { surroundings: { env } }: KeyContext,
): Promise<void> {
  const path = loginCachePath(source.session, env);
  const bytes = path && (await readSmallFile(path));
  if (!bytes) throw loginFailure(undefined, source);
  membersOf(bytes);
}

/** Where a session of `aws login` was to be renewed, and what came of that. */
interface LoginAsked {
  readonly region?: string | undefined;
  readonly refusal?: SdkRefusal | undefined;
}

/** The error for a session of `aws login` that gave no keys; without an error, for one that is not there. */
export function loginFailure(
  error: unknown,
  { profile }: LoginSource,
  { region = '', refusal }: LoginAsked = {},
): FinchError {
  const general = generalError(refusal, { action: 'signin:CreateOAuth2Token', region, profile });
  if (general) return general;
  const what =
    error === undefined
      ? 'has not begun on this machine'
      : `cannot be used: ${saidBy(error, refusal)}`;
  return unusableIdentity(
    `the AWS login of profile "${profile}" ${what}`,
    `run: aws login --profile ${profile}`,
    error,
  );
}

function signIn({ profile }: SsoSource, what: string, cause?: unknown): FinchError {
  return unusableIdentity(
    `the SSO session of AWS profile "${profile}" ${what}`,
    `run: aws sso login --profile ${profile}`,
    cause,
  );
}

/** The texts in a file of JSON; those that are secret are hidden from here on. */
function membersOf(bytes: Uint8Array): ReadonlyMap<string, string> {
  try {
    const members: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof members !== 'object' || members === null) return new Map();
    const texts = new Map(Object.entries(members).filter(([, value]) => typeof value === 'string'));
    for (const name of SECRETS) hideSecret(texts.get(name) ?? '');
    return texts;
  } catch {
    return new Map();
  }
}
