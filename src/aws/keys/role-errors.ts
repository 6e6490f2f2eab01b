import type { FinchError } from '../../errors.ts';
import { cleanText } from '../../http/clean-text.ts';
import { excerpt } from '../../text.ts';
import { unusableIdentity } from '../identity-errors.ts';
import type { KeyContext } from './key-context.ts';
import type { KeySource, RoleSource, WebIdentitySource } from './key-source.ts';

/**
 * The code of an MFA device, from the user.
 * @throws FinchError `AWS_IDENTITY` where nobody can be asked
 */
export async function mfaCode(
  profile: string,
  serial: string,
  { surroundings: { askCode }, signal }: KeyContext,
): Promise<string> {
  const question = `MFA code for ${excerpt(serial)}: `;
  const code = await askCode?.(question, { ...(signal && { signal }) });
  if (code) return code.trim();
  throw unusableIdentity(
    `AWS profile "${profile}" needs an MFA code (${serial})`,
    'run this in a terminal, or put temporary keys into the environment',
  );
}

/** The error for a role that was not to be assumed. */
export function roleFailure(error: unknown, role: RoleSource): FinchError {
  const arn = role.roleArn;
  const who = `AWS profile "${role.profile}"`;
  const source = ownerOf(role.source);
  switch (nameOf(error)) {
    case 'AccessDenied':
    case 'AccessDeniedException':
      return unusableIdentity(
        `${who} cannot assume ${arn}: ${saidBy(error)}`,
        `check ${role.mfaSerial === undefined ? '' : 'the MFA code, '}the trust policy of ${arn}, and that ${source} may call sts:AssumeRole on it`,
        error,
      );
    case 'ExpiredToken':
    case 'ExpiredTokenException':
      return unusableIdentity(
        `${who} cannot assume ${arn}: the session token of ${source} has expired`,
        `get new keys for ${source}`,
        error,
      );
    case 'InvalidClientTokenId':
    case 'UnrecognizedClientException':
      return unusableIdentity(
        `${who} cannot assume ${arn}: AWS does not know the access key of ${source}`,
        `check that the key of ${source} exists, and is of the same partition as the role`,
        error,
      );
    case 'SignatureDoesNotMatch':
    case 'InvalidSignatureException':
      return unusableIdentity(
        `${who} cannot assume ${arn}: the secret key of ${source} does not belong to its access key, or this machine's clock is wrong`,
        `check aws_secret_access_key of ${source}, and the clock with: date -u`,
        error,
      );
    default:
      return unusableIdentity(
        `${who} cannot assume ${arn}: ${saidBy(error)}`,
        `check the settings of profile ${role.profile} in ~/.aws/config`,
        error,
      );
  }
}

/** The error for a role that a token did not give; without an error, for a token that is not there. */
export function webIdentityFailure(error: unknown, source: WebIdentitySource): FinchError {
  const file = source.tokenFile;
  if (error === undefined) {
    return unusableIdentity(
      `the web identity token ${file} of ${source.from} is not there`,
      'check AWS_WEB_IDENTITY_TOKEN_FILE, or web_identity_token_file of the profile',
    );
  }
  const isOld = /^ExpiredToken/.test(nameOf(error));
  return unusableIdentity(
    `the web identity of ${source.from} cannot assume ${source.roleArn}: ${isOld ? 'its token has expired' : saidBy(error)}`,
    isOld ? `put a new token into ${file}` : `check the trust policy of ${source.roleArn}`,
    error,
  );
}

/** What AWS calls an error: `AccessDenied`. */
function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : '';
}

/** What an error of the SDK says, safe to show. */
export function saidBy(error: unknown): string {
  if (!(error instanceof Error)) return 'no reason is given';
  const isForeign = /parse error|unexpected (?:content|token)|not valid JSON/i.test(error.message);
  if (isForeign) return 'the answer did not come from AWS';
  return cleanText(error.message.replace(/^\w+Exception: /, ''), { limit: 300 });
}

function ownerOf(source: KeySource): string {
  switch (source.kind) {
    case 'static':
    case 'web-identity':
      return source.from;
    case 'container':
      return 'the container';
    case 'metadata':
      return 'this EC2 instance';
    default:
      return `profile ${source.profile}`;
  }
}
