import { awsRefusalError } from '../aws/call/refusal-error.ts';
import { getToken } from '../aws/ecr/get-token.ts';
import { type EcrPlace, ecrOfRegion } from '../aws/ecr-host.ts';
import type { AwsIdentity } from '../aws/identity.ts';
import { FinchError } from '../errors.ts';
import type { Command, Invocation } from './command.ts';
import { profileFlag, regionFlag, regionOf } from './ecr-flags.ts';

/** Where ECR Public is called, whatever is set. */
const PUBLIC_REGION = 'us-east-1';

/** `finch ecr login-password`. */
export const command: Command = {
  usage: '',
  arity: { min: 0, max: 0 },
  about:
    'The password is a new one for the user AWS, as from aws ecr get-login-password, or with --public from aws ecr-public get-login-password. It is good for twelve hours, for the registries of your account in one region, and kept nowhere. finch itself needs none: it asks AWS when it meets a registry of Amazon ECR.',
  flags: [regionFlag, { name: 'public', summary: 'a password for Amazon ECR Public' }, profileFlag],
  examples: [
    {
      line: 'finch ecr login-password --region eu-west-1 | docker login -u AWS --password-stdin 111222333444.dkr.ecr.eu-west-1.amazonaws.com',
      what: 'log docker in to a private registry',
    },
    {
      line: 'finch ecr login-password --public | docker login -u AWS --password-stdin public.ecr.aws',
      what: 'log docker in to Amazon ECR Public',
    },
  ],
  async run(app, invocation) {
    const aws = await app.aws();
    const identity = await aws.identity({ profile: invocation.text('profile') });
    const place = await placeOf(invocation, identity);
    const { surroundings } = aws;
    const { signal } = invocation;
    const outcome = await getToken(place, identity, { surroundings, signal });
    if (!outcome.ok) throw awsRefusalError(outcome.refusal);
    return { kind: 'lines', lines: [outcome.value.secret] };
  },
};

async function placeOf(invocation: Invocation, identity: AwsIdentity): Promise<EcrPlace> {
  if (!invocation.on('public')) return ecrOfRegion(await regionOf(invocation, identity));
  if ((invocation.text('region') ?? PUBLIC_REGION) !== PUBLIC_REGION) {
    throw new FinchError('USAGE', `Amazon ECR Public gives passwords in ${PUBLIC_REGION} only`, {
      hint: 'leave out --region, or --public',
    });
  }
  return { kind: 'public', host: 'public.ecr.aws', isDualStack: false };
}
