import type { FinchError } from '../../errors.ts';
import type { AwsCaller } from '../call/caller.ts';
import type { AwsRefusal } from '../call/refusal.ts';
import { awsRefusalError } from '../call/refusal-error.ts';
import { assumeRole, assumeRoleWithWebIdentity } from '../call/sts-calls.ts';
import { expandPath, readSmallFile } from '../files/shared-config.ts';
import type { AwsKeys } from '../identity.ts';
import { unusableIdentity } from '../identity-errors.ts';
import type { KeyContext } from './key-context.ts';
import type { RoleSource, WebIdentitySource } from './key-source.ts';

/** Of one call: a little less than all the keys may take, so that the error names who did not answer. */
const LIMITS = { beginMs: 4_000, totalMs: 9_000 };

/** How AWS says that somebody may not, or that what they say of themselves is not right. */
const NOT_TRUSTED = /^(?:AccessDenied|IDPRejectedClaim|InvalidIdentityToken)/;

/** Whose keys assume a role: the keys, and where they come from, for messages. */
export interface RoleCaller {
  readonly keys: AwsKeys;
  /** `profile dev`. */
  readonly from: string;
}

/**
 * The keys of a role that is assumed with other keys.
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html
 * @throws FinchError `AWS_IDENTITY` when it may not be, as `awsRefusalError`, `CANCELLED`
 */
export async function roleKeys(
  role: RoleSource,
  { keys, from }: RoleCaller,
  { code, ...context }: KeyContext & { readonly code: string | undefined },
): Promise<AwsKeys> {
  const { roleArn, profile, mfaSerial: serial, externalId, durationSeconds } = role;
  const asked = {
    ...{ roleArn, externalId, durationSeconds, sessionName: sessionName(role, context) },
    ...(serial !== undefined && code !== undefined && { mfa: { serial, code } }),
  };
  const caller = { ...context.identity, source: from, keys: async () => keys };
  const outcome = await assumeRole(caller, asked, { ...context, limits: LIMITS });
  if (outcome.ok) return outcome.value;
  const { refusal } = outcome;
  if (!isDenied(refusal)) throw otherError(refusal, `${roleArn} of profile ${profile}`);
  const principal = /\barn:[\w-]+:(?:iam|sts)::\d{12}:[\w+=,.@/-]+/.exec(refusal.message)?.[0];
  throw unusableIdentity(
    `AWS profile "${profile}" cannot assume ${roleArn}: ${saidOf(refusal)}`,
    `check ${serial === undefined ? '' : 'the MFA code, '}the trust policy of ${roleArn}, and that ${principal ?? from} may call sts:AssumeRole on it`,
  );
}

/**
 * The keys of a role that is assumed with the token of another identity provider.
 * @throws FinchError as {@link roleKeys}
 */
export async function webIdentityKeys(
  source: WebIdentitySource,
  context: KeyContext,
): Promise<AwsKeys> {
  const { roleArn, tokenFile, from } = source;
  const token = await tokenOf(source, context);
  const caller: AwsCaller = { ...context.identity, source: from, keys: async () => undefined };
  const asked = { roleArn, token, sessionName: sessionName(source, context) };
  const outcome = await assumeRoleWithWebIdentity(caller, asked, { ...context, limits: LIMITS });
  if (outcome.ok) return outcome.value;
  const { refusal } = outcome;
  const isOld = refusal.kind === 'refused' && /^ExpiredToken/.test(refusal.type);
  if (!isOld && !isDenied(refusal)) throw otherError(refusal, `${roleArn} of ${from}`);
  throw unusableIdentity(
    `the web identity of ${from} cannot assume ${roleArn}: ${isOld ? 'its token has expired' : saidOf(refusal)}`,
    isOld ? `put a new token into ${tokenFile}` : `check the trust policy of ${roleArn}`,
  );
}

async function tokenOf(
  { tokenFile, from }: WebIdentitySource,
  { surroundings: { env } }: KeyContext,
): Promise<string> {
  const bytes = await readSmallFile(expandPath(tokenFile, env));
  if (bytes !== undefined) return new TextDecoder().decode(bytes).trim();
  throw unusableIdentity(
    `the web identity token ${tokenFile} of ${from} is not there`,
    'check AWS_WEB_IDENTITY_TOKEN_FILE, or web_identity_token_file of the profile',
  );
}

function sessionName(
  { sessionName: given }: { readonly sessionName: string | undefined },
  { surroundings }: KeyContext,
): string {
  return given ?? `finch-${surroundings.now()}`;
}

/** The error for a refusal that any call may meet. */
function otherError(refusal: AwsRefusal, role: string): FinchError {
  return awsRefusalError(refusal, refusal.kind === 'unreachable' ? {} : { registry: role });
}

function isDenied({ kind, type }: AwsRefusal): boolean {
  return kind === 'refused' && NOT_TRUSTED.test(type);
}

function saidOf({ type, message }: AwsRefusal): string {
  return message === '' ? type : message;
}
