import { hideSecret } from '../../http/redact.ts';
import type { Profile } from '../files/shared-config.ts';
import type { AwsKeys } from '../identity.ts';
import { halfKeys } from '../identity-errors.ts';

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
export function environmentKeys(
  env: Readonly<Record<string, string | undefined>>,
): StaticSource | undefined {
  const accessKeyId = env['AWS_ACCESS_KEY_ID'];
  if (!accessKeyId) return undefined;
  const from = 'the environment';
  const secretAccessKey = env['AWS_SECRET_ACCESS_KEY'];
  if (!secretAccessKey) throw halfKeys('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', from);
  const sessionToken = env['AWS_SESSION_TOKEN'] || env['AWS_SECURITY_TOKEN'];
  return { kind: 'static', from, keys: hidden({ accessKeyId, secretAccessKey }, sessionToken) };
}

/** Hides the secrets of an environment, whoever uses it: every program that finch runs for keys sees them, and may write them. */
export function hideEnvironmentKeys(env: Readonly<Record<string, string | undefined>>): void {
  for (const name of ['AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_SECURITY_TOKEN']) {
    hideSecret(env[name] ?? '');
  }
}

/** Whether a profile has keys, or a half of them. */
export function hasStaticKeys({ settings }: Profile): boolean {
  return settings.has('aws_access_key_id') || settings.has('aws_secret_access_key');
}

/**
 * The keys of a profile; undefined when it has no `aws_access_key_id`.
 * @throws FinchError `AWS_IDENTITY` when the secret is missing
 */
export function profileKeys({ name, settings }: Profile): StaticSource | undefined {
  const accessKeyId = settings.get('aws_access_key_id');
  if (!accessKeyId) return undefined;
  const from = `profile ${name}`;
  const secretAccessKey = settings.get('aws_secret_access_key');
  if (!secretAccessKey) throw halfKeys('aws_access_key_id', 'aws_secret_access_key', from);
  const sessionToken = settings.get('aws_session_token') || settings.get('aws_security_token');
  return { kind: 'static', from, keys: hidden({ accessKeyId, secretAccessKey }, sessionToken) };
}

/** Keys whose secret parts no message shows any more. */
export function hidden(keys: AwsKeys, sessionToken?: string): AwsKeys {
  hideSecret(keys.secretAccessKey);
  if (!sessionToken) return keys;
  hideSecret(sessionToken);
  return { ...keys, sessionToken };
}
