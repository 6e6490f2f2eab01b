import { FinchError } from '../errors.ts';
import { printable } from '../text.ts';
import type { Environment } from './surroundings.ts';

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

const USUAL = 'run aws configure or aws sso login, or set AWS_PROFILE';

const ofNobody = new WeakSet<object>();

/** Whether an error says that nothing at all says who the user is, and not that something is wrong with it. */
export function isOfNobody(error: FinchError): boolean {
  return ofNobody.has(error);
}

const ofPassingTrouble = new WeakSet<object>();

/** Marks an error of which {@link isPassing} holds, and gives it back. */
export function passing(error: FinchError): FinchError {
  ofPassingTrouble.add(error);
  return error;
}

/** Whether the same may go through later: AWS, or whoever gives keys, is busy, broken or not reached. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof FinchError)) return false;
  return error.code === 'NETWORK' || ofPassingTrouble.has(error);
}

const ofPrograms = new WeakSet<object>();

/** Marks an error of which {@link isOfProgram} holds, and gives it back. */
export function ofProgram(error: FinchError): FinchError {
  ofPrograms.add(error);
  return error;
}

/** Whether a program of the user's failed, of whose reasons nothing is known: only trying again tells. */
export function isOfProgram(error: FinchError): boolean {
  return ofPrograms.has(error);
}

/** Nothing says who the user is. `metadata` says what came of the metadata service, and `isPassing` whether it may go through later. */
export function noIdentity(
  profile: string,
  metadata: string,
  {
    env,
    cause,
    isPassing: mayPass = false,
  }: { readonly env: Environment; readonly cause?: unknown; readonly isPassing?: boolean },
): FinchError {
  // As for the AWS CLI, a secret without an id does not count; but somebody meant to set both.
  const isHalf = Boolean(env['AWS_SECRET_ACCESS_KEY']) && !env['AWS_ACCESS_KEY_ID'];
  const half = isHalf ? ' (AWS_SECRET_ACCESS_KEY is set but AWS_ACCESS_KEY_ID is not)' : '';
  const error = unusableIdentity(
    `no AWS credentials found (looked at: the environment${half}, profile ${profile}, container; EC2 metadata ${metadata})`,
    isHalf ? 'set AWS_ACCESS_KEY_ID too' : `${mayPass ? 'try again, or ' : ''}${USUAL}`,
    cause,
  );
  ofNobody.add(error);
  return mayPass ? passing(error) : error;
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

/** A key that stands in quotes, which would count as a part of it. */
export function quotedKeys(setting: string, where: string): FinchError {
  return unusableIdentity(
    `${setting} of ${where} stands in quotes, which are no part of a key`,
    `remove the quotes around ${setting} in ${where}`,
  );
}

/** Keys that had ended when they were given. */
export function endedKeys(source: string, end: Date): FinchError {
  return unusableIdentity(
    `the AWS keys that ${source} has just given ended at ${end.toISOString()}`,
    `get new keys for ${source}; check this machine's clock with: date -u`,
  );
}

/** A setting of a profile that is not there. */
export function missingSetting(profile: string, setting: string, why: string): FinchError {
  return unusableIdentity(
    `AWS profile "${profile}" ${why}, but has no ${setting}`,
    `add ${setting} to profile ${profile} in ~/.aws/config`,
  );
}
