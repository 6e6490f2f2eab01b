import type { AwsIdentity } from '../aws/identity.ts';
import { FinchError } from '../errors.ts';
import type { Flag, Invocation } from './command.ts';

/** Whose keys a command calls AWS with, in place of what the environment says. */
export const profileFlag: Flag = {
  name: 'profile',
  value: 'PROFILE',
  summary: 'the AWS profile to use',
};

/** Which region a command is about. */
export const regionFlag: Flag = {
  name: 'region',
  value: 'REGION',
  summary: 'the AWS region; default: that of the environment or the profile',
};

/**
 * The region that a command is about: the one that the user named, else that of who the user is.
 * @throws FinchError `AWS_IDENTITY` when there is none
 */
export async function regionOf(invocation: Invocation, identity: AwsIdentity): Promise<string> {
  const region = invocation.text('region') ?? (await identity.region());
  if (region !== undefined) return region;
  throw new FinchError('AWS_IDENTITY', 'no AWS region is set', {
    hint: 'name one with --region, set AWS_REGION, or run: aws configure',
  });
}
