import { FinchError } from '../../errors.ts';
import type { AwsIdentity, AwsKeys } from '../identity.ts';

/**
 * Makes sure that keys can be sent. What was copied with a space or the end of a line is none that AWS knows.
 * @throws FinchError `AWS_IDENTITY` naming the part, never with what it holds
 */
export function assertUsable(
  { accessKeyId, secretAccessKey, sessionToken = '-' }: AwsKeys,
  { source }: Pick<AwsIdentity, 'source'>,
): void {
  const parts = {
    'access key id': accessKeyId,
    'secret access key': secretAccessKey,
    'session token': sessionToken,
  };
  for (const [name, value] of Object.entries(parts)) {
    if (/^[!-~]+$/.test(value)) continue;
    const what =
      value === '' ? 'is empty' : 'holds a space or another character that none can have';
    throw new FinchError('AWS_IDENTITY', `the ${name} of ${source} ${what}`, {
      hint: `set the ${name} again, without spaces and line breaks around it`,
    });
  }
}
