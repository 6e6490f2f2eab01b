import type { App } from '../app.ts';
import { awsRefusalError } from '../aws/call/refusal-error.ts';
import { callerIdentity } from '../aws/call/sts-calls.ts';
import { ecrOfRegion } from '../aws/ecr-host.ts';
import { ecrRegistryOf, writtenEcr } from '../credentials/written-ecr.ts';
import { FinchError } from '../errors.ts';
import { cleanText } from '../http/clean-text.ts';
import type { Command, Invocation } from './command.ts';
import { examine, type Finding } from './ecr-checks.ts';
import { profileFlag, regionFlag, regionOf } from './ecr-flags.ts';
import type { Subject } from './ecr-steps.ts';

/** The widest name of a check, and of a state. */
const CHECK_WIDTH = 13;
const STATE_WIDTH = 7;

/** No finding is longer, in characters. */
const MAX_LINE = 2000;

/** `finch ecr doctor`. */
export const command: Command = {
  usage: '[HOST|REFERENCE]',
  arity: { min: 0, max: 1 },
  about:
    'Goes the way of a push to Amazon ECR step by step, and says where it ends. Without an argument it is about your own registry in the region that is set. Nothing is changed and nothing is stored.',
  flags: [profileFlag, regionFlag],
  examples: [
    { line: 'finch ecr doctor', what: 'check your keys, the way to AWS, and your own registry' },
    {
      line: 'finch ecr doctor 111222333444.dkr.ecr.eu-west-1.amazonaws.com/app:1.0',
      what: 'check also whether you may pull and push there',
    },
  ],
  async run(app, invocation) {
    const subject = await subjectOf(app, invocation);
    const failures: Finding[] = [];
    const skipped: string[] = [];
    app.talk.print(`checking ${subject.registry.host}`);
    for await (const finding of examine(app, subject)) {
      const { check, state, what } = finding;
      // Much of it is what files, programs and servers say.
      const line = cleanText(what, { limit: MAX_LINE });
      app.talk.print(`${state.padEnd(STATE_WIDTH)} ${check.padEnd(CHECK_WIDTH)} ${line}`);
      if (state === 'FAIL') failures.push(finding);
      if (state === 'skipped') skipped.push(check);
    }
    const [first] = failures;
    if (first === undefined) {
      const isWhole = skipped.length === 0;
      const end = isWhole ? 'everything is well' : `nothing fails; skipped: ${skipped.join(', ')}`;
      return { kind: 'lines', lines: [end] };
    }
    const names = failures.map(({ check }) => check).join(', ');
    throw new FinchError('AWS', `what fails for ${subject.registry.host}: ${names}`, {
      hint: first.hint ?? 'see the lines above',
    });
  },
};

async function subjectOf(app: App, invocation: Invocation): Promise<Subject> {
  const [named] = invocation.args;
  const { signal } = invocation;
  const profile = invocation.text('profile');
  if (named === undefined) return { registry: await ownRegistry(app, invocation), profile, signal };
  return { ...writtenEcr(named), profile, signal };
}

/** The registry of whoever calls, in the region that is set. */
async function ownRegistry(app: App, invocation: Invocation): Promise<Subject['registry']> {
  const aws = await app.aws();
  const identity = await aws.identity({ profile: invocation.text('profile') });
  const region = await regionOf(invocation, identity);
  const { signal } = invocation;
  const outcome = await callerIdentity(identity, {
    ...{ surroundings: aws.surroundings, region, signal },
  });
  if (!outcome.ok) throw awsRefusalError(outcome.refusal);
  const { suffix } = ecrOfRegion(region);
  const host = `${outcome.value.account}.dkr.ecr.${region}.${suffix}`;
  return ecrRegistryOf(host);
}
