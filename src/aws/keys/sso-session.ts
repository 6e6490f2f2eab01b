import type { FinchError } from '../../errors.ts';
import { hideSecret } from '../../http/redact.ts';
import { readSmallFile } from '../files/shared-config.ts';
import { loginCachePath, ssoTokenPath } from '../files/sign-in-files.ts';
import type { SsoSource } from '../files/sso-source.ts';
import { unusableIdentity } from '../identity-errors.ts';
import type { KeyContext } from './key-context.ts';
import type { LoginSource } from './key-source.ts';
import { saidBy } from './role-errors.ts';

/** What is known of the token that `aws sso login` left. */
export interface SsoToken {
  readonly expires: Date;
}

/** What a renewal takes. */
const RENEWAL = ['refreshToken', 'clientId', 'clientSecret'];

/** A token that ends sooner is renewed before it is used. */
const RENEWAL_MS = 5 * 60_000;

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
  const expires = new Date(members.get('expiresAt') ?? Number.NaN);
  if (!members.has('accessToken') || Number.isNaN(expires.getTime())) {
    throw signIn(source, 'cannot be read');
  }
  const left = expires.getTime() - now();
  if (left > (source.session === undefined ? 0 : RENEWAL_MS) || canRenew(members, now())) {
    return { expires };
  }
  throw signIn(source, `${left > 0 ? 'ends' : 'expired'} at ${expires.toISOString()}`);
}

/** Whether a token can be renewed without the user, which the form with a session alone provides for. */
function canRenew(members: ReadonlyMap<string, string>, now: number): boolean {
  const until = new Date(members.get('registrationExpiresAt') ?? '9999-12-31').getTime();
  return RENEWAL.every((name) => members.has(name)) && until > now;
}

/** The error for a role that IAM Identity Center did not give; `status` is that of its answer. */
export function ssoFailure(
  error: unknown,
  source: SsoSource,
  { expires, status }: SsoToken & { readonly status: number | undefined },
): FinchError {
  if (expires.getTime() <= Date.now()) {
    return signIn(source, `expired at ${expires.toISOString()}`, error);
  }
  if (status === 401) return signIn(source, 'is not accepted any more', error);
  const { role, account, profile } = source;
  return unusableIdentity(
    `SSO gives AWS profile "${profile}" no role ${role} in account ${account}: ${saidBy(error)}`,
    `check sso_account_id and sso_role_name of profile ${profile} in ~/.aws/config`,
    error,
  );
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

/** The error for a session of `aws login` that gave no keys; without an error, for one that is not there. */
export function loginFailure(error: unknown, { profile }: LoginSource): FinchError {
  const what =
    error === undefined ? 'has not begun on this machine' : `cannot be used: ${saidBy(error)}`;
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
