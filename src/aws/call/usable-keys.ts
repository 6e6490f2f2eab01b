import { FinchError } from '../../errors.ts';
import type { AwsIdentity, AwsKeys } from '../identity.ts';

/** An id that AWS gives out for keys. */
const GIVEN_ID = /^A[A-Z]{3}[A-Z0-9]{12,124}$/;

/**
 * Makes sure that keys can be sent. What was copied with a space or the end of a line is none that AWS knows; and the id
 * is sent as it is, so that a secret in its place would be in the hands of everybody on the way. Its characters are
 * those of an id, in any number: stand-ins for AWS take short ones.
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
  if (/^\w{1,128}$/.test(accessKeyId) && !GIVEN_ID.test(secretAccessKey)) return;
  throw new FinchError('AWS_IDENTITY', `the access key id of ${source} is none`, {
    hint: `check whether the id and the secret of ${source} are swapped; an id is letters and digits, often AKIA… or ASIA…`,
  });
}
