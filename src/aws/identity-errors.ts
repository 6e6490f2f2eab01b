import { FinchError } from '../errors.ts';
import { printable } from '../text.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The most profile names that a message lists. */
const MAX_NAMES = 10;

/**
 * What says who the user is, and cannot be used, with what to do about it. Names out of the user's files may stand in
 * both as they are.
 */
export function unusableIdentity(message: string, hint: string, cause?: unknown): FinchError {
  return new FinchError('AWS_IDENTITY', printable(message), {
    hint: printable(hint),
    ...(cause !== undefined && { cause }),
  });
}

const ofNobody = new WeakSet<object>();

/** Whether an error says that nothing at all says who the user is, and not that something is wrong with it. */
export function isOfNobody(error: FinchError): boolean {
  return ofNobody.has(error);
}

/** Nothing says who the user is. `metadata` says what came of the metadata service. */
export function noIdentity(profile: string, metadata: string, cause?: unknown): FinchError {
  const error = unusableIdentity(
    `no AWS credentials found (looked at: the environment, profile ${profile}, container; EC2 metadata ${metadata})`,
    'run aws configure or aws sso login, or set AWS_PROFILE',
    cause,
  );
  ofNobody.add(error);
  return error;
}

/** The profile is in neither file. */
export function noProfile(
  name: string,
  { names, env }: { readonly names: Iterable<string>; readonly env: Environment },
): FinchError {
  const known = [...names];
  const config = env['AWS_CONFIG_FILE'] || '~/.aws/config';
  const credentials = env['AWS_SHARED_CREDENTIALS_FILE'] || '~/.aws/credentials';
  const shown = known.slice(0, MAX_NAMES).join(', ');
  const found =
    known.length === 0
      ? 'there are none'
      : `found: ${shown}${known.length > MAX_NAMES ? ', …' : ''}`;
  return unusableIdentity(
    `AWS profile "${name}" is not in ${config} or ${credentials} (${found})`,
    known.length === 0
      ? `make it with: aws configure --profile ${name}`
      : 'choose one of them with --profile or AWS_PROFILE',
  );
}

/** One half of a pair of keys. */
export function halfKeys(present: string, missing: string, where: string): FinchError {
  return unusableIdentity(
    `${present} is set but ${missing} is not, in ${where}`,
    `set both, or remove ${present} from ${where}`,
  );
}

/** A setting of a profile that is not there. */
export function missingSetting(profile: string, setting: string, why: string): FinchError {
  return unusableIdentity(
    `AWS profile "${profile}" ${why}, but has no ${setting}`,
    `add ${setting} to profile ${profile} in ~/.aws/config`,
  );
}
