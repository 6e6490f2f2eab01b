import { hideSecret } from '../../http/redact.ts';
import type { Profile } from '../files/shared-config.ts';
import type { AwsKeys } from '../identity.ts';
import { halfKeys, quotedKeys } from '../identity-errors.ts';
import type { Environment } from '../surroundings.ts';

const KEY_SETTING = /^aws_(?:access_key_id|secret_access_key|session_token|security_token)$/i;

/** Quotes would be a part of the value, and are none of any key. */
const QUOTED = /^(["']).*\1$/;

/** Keys that stand somewhere as they are. */
export interface StaticSource {
  readonly kind: 'static';
  readonly from: string;
  readonly keys: AwsKeys;
}

/**
 * The keys of `AWS_ACCESS_KEY_ID` and the variables that belong to it; undefined when it is not set.
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-static-credentials.html
 * @throws FinchError `AWS_IDENTITY` when the secret is missing
 */
export function environmentKeys(env: Environment): StaticSource | undefined {
  const accessKeyId = env['AWS_ACCESS_KEY_ID'];
  if (!accessKeyId) return undefined;
  const from = 'the environment';
  const secretAccessKey = env['AWS_SECRET_ACCESS_KEY'];
  if (!secretAccessKey) throw halfKeys('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', from);
  // The AWS CLI's order, which is not that of the SDKs.
  const sessionToken = env['AWS_SECURITY_TOKEN'] || env['AWS_SESSION_TOKEN'];
  const keys = hidden({ accessKeyId, secretAccessKey }, sessionToken);
  assertUnquoted(Object.entries(env), from);
  return { kind: 'static', from, keys };
}

/** Hides the secrets of an environment, whoever uses it: every program that finch runs for keys sees them, and may write them. */
export function hideEnvironmentKeys(env: Environment): void {
  for (const name of ['AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_SECURITY_TOKEN']) {
    hideSecret(env[name] ?? '');
  }
}

/** Whether a profile has keys, or a half of them. */
export function hasStaticKeys({ settings }: Profile): boolean {
  return settings.has('aws_access_key_id') || settings.has('aws_secret_access_key');
}

/**
 * The keys that one file has for a profile, all of them; undefined when it has no `aws_access_key_id`.
 * @throws FinchError `AWS_IDENTITY` when the secret is missing, or one of them stands in quotes
 */
export function profileKeys(
  profile: Profile,
  file: 'credentials' | 'config',
): StaticSource | undefined {
  const { name, [file]: settings } = profile;
  const accessKeyId = settings.get('aws_access_key_id');
  if (!accessKeyId) return undefined;
  const from = `profile ${name}`;
  const secretAccessKey = settings.get('aws_secret_access_key');
  const sessionToken = settings.get('aws_security_token') || settings.get('aws_session_token');
  if (!secretAccessKey) {
    throw halfKeys('aws_access_key_id', 'aws_secret_access_key', `${from} of the ${file} file`);
  }
  const keys = hidden({ accessKeyId, secretAccessKey }, sessionToken);
  assertUnquoted(settings, from);
  return { kind: 'static', from, keys };
}

function assertUnquoted(values: Iterable<readonly [string, string | undefined]>, from: string) {
  for (const [name, value = ''] of values) {
    if (KEY_SETTING.test(name) && QUOTED.test(value)) throw quotedKeys(name, from);
  }
}

/** Keys whose secret parts no message shows any more. */
export function hidden(keys: AwsKeys, sessionToken?: string): AwsKeys {
  hideSecret(keys.secretAccessKey);
  if (!sessionToken) return keys;
  hideSecret(sessionToken);
  return { ...keys, sessionToken };
}
