import { stsEndpoint } from '../aws/call/endpoints.ts';
import { awsRefusalError } from '../aws/call/refusal-error.ts';
import { callerIdentity } from '../aws/call/sts-calls.ts';
import type { Command } from './command.ts';
import { profileFlag, regionFlag } from './ecr-flags.ts';

/** Where AWS is asked when nothing names a region. */
const DEFAULT_REGION = 'us-east-1';

/** `finch ecr whoami`. */
export const command: Command = {
  usage: '',
  arity: { min: 0, max: 0 },
  about:
    'Asks AWS whom it takes you for, and writes what aws sts get-caller-identity writes. Nobody needs a permission for that.',
  flags: [
    profileFlag,
    regionFlag,
    { name: 'explain', summary: 'say on stderr where the keys come from, and who was asked' },
  ],
  examples: [
    { line: 'finch ecr whoami', what: 'see which account and which user your keys belong to' },
    {
      line: 'finch ecr whoami --profile dev --explain',
      what: 'see the same of a profile, and why',
    },
  ],
  async run(app, invocation) {
    const { surroundings, identity: identify } = await app.aws();
    const identity = await identify({ profile: invocation.text('profile') });
    const region = invocation.text('region') ?? (await identity.region()) ?? DEFAULT_REGION;
    const { signal } = invocation;
    if (invocation.on('explain')) {
      const { expires } = await identity.keys({ signal });
      const { url } = await stsEndpoint(region, identity);
      app.talk.note(`keys: ${identity.source}`);
      app.talk.note(`expiry: ${expires?.toISOString() ?? 'none'}`);
      app.talk.note(`region: ${region}`);
      app.talk.note(`endpoint: ${url.origin}`);
    }
    const outcome = await callerIdentity(identity, { surroundings, region, signal });
    if (!outcome.ok) throw awsRefusalError(outcome.refusal);
    const { userId, account, arn } = outcome.value;
    const shown = { UserId: userId, Account: account, Arn: arn };
    // As the AWS CLI writes it, byte for byte: scripts may look for its lines.
    return { kind: 'lines', lines: [JSON.stringify(shown, undefined, 4)] };
  },
};
