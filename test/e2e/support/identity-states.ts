import type { AwsUser } from '../../support/aws/stand-in.ts';
import { keysOf, type State } from './both-helpers.ts';

/** Nothing in the environment says who the user is. */
const nobody: State['env'] = ({ aws }) => aws.environment();

/** A line of a profile by which a program gives the keys of a user. */
function programLine(user: AwsUser): string {
  return `credential_process = echo '${given(user)}'\n`;
}

function given({ accessKeyId, secretAccessKey }: AwsUser): string {
  return JSON.stringify({
    ...{ Version: 1, AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey },
  });
}

/** Files of AWS that both helpers read alike. */
export const READ_ALIKE: Readonly<Record<string, State>> = {
  'lines that end as on Windows': {
    env: nobody,
    files: ({ good }) => ({ credentials: `[default]\n${keysOf(good)}`.replaceAll('\n', '\r\n') }),
  },
  'a name in capitals': {
    env: nobody,
    files: ({ good }) => ({ credentials: `[default]\n${keysOf(good).toUpperCase()}` }),
  },
  'a program in one file and keys in the other': {
    env: nobody,
    files: ({ good, denied }) => ({
      config: `[default]\n${programLine(good)}`,
      credentials: `[default]\n${keysOf(denied)}`,
    }),
  },
  'a role that wants an external id': {
    env: nobody,
    files: ({ good, aws }) => {
      const { arn } = aws.addRole({ name: 'guarded', trusts: [good.arn], externalId: 'x-1' });
      const role = `role_arn = ${arn}\nsource_profile = dev\nexternal_id = x-1\n`;
      return {
        credentials: `[dev]\n${keysOf(good)}`,
        config: `[default]\nregion = us-east-1\n${role}`,
      };
    },
  },
};

/**
 * What the helpers read differently, by why ours is right: somebody has one identity for all of the AWS CLI and finch, and
 * both AWS CLIs (2.9.19 and 1.45.11) read it as finch does. What is told apart is who is asked, and as whom.
 */
export const READ_AS_THE_CLIS: Readonly<Record<string, State>> = {
  'a comment behind a key is a part of it': {
    env: nobody,
    files: ({ good }) => ({
      credentials: `[default]\n${keysOf(good).replaceAll('\n', ' # mine\n')}`,
    }),
  },
  'quotes around a key are a part of it': {
    env: nobody,
    files: ({ good }) => ({
      credentials: `[default]\n${keysOf(good).replace(/= (.*)/g, '= "$1"')}`,
    }),
  },
  'AWS_ACCESS_KEY and AWS_SECRET_KEY are names of the SDK for Go alone': {
    env: ({ aws, good }) => ({
      ...aws.environment(),
      ...{ AWS_ACCESS_KEY: good.accessKeyId, AWS_SECRET_KEY: good.secretAccessKey },
    }),
  },
  'AWS_ACCESS_KEY_ID alone is half of keys, also beside a good profile': {
    env: ({ aws, good }) => ({ ...aws.environment(), AWS_ACCESS_KEY_ID: good.accessKeyId }),
    files: ({ good }) => ({ credentials: `[default]\n${keysOf(good)}` }),
  },
  'a program comes before keys in its own section': {
    env: nobody,
    files: ({ good, denied }) => ({
      config: `[default]\n${programLine(good)}${keysOf(denied)}`,
    }),
  },
  'a role needs a source_profile, also beside keys': {
    env: nobody,
    files: ({ good, aws }) => ({
      config: `[default]\nrole_arn = ${aws.addRole({ trusts: [good.arn] }).arn}\n${keysOf(good)}`,
    }),
  },
  'no shell reads credential_process': {
    env: (side) => ({ ...nobody(side), GIVEN: given(side.good) }),
    files: () => ({ config: `[default]\ncredential_process = echo "$GIVEN"\n` }),
  },
  'a byte order mark is no part of a file; the official one ends with status 2': {
    env: nobody,
    files: ({ good }) => ({ credentials: `\ufeff[default]\n${keysOf(good)}` }),
  },
  'the name of a profile may stand in quotes': {
    env: (side) => ({ ...nobody(side), AWS_PROFILE: 'my dev' }),
    files: ({ good }) => ({ config: `[profile "my dev"]\n${keysOf(good)}` }),
  },
  'an id that is none is not sent: it may be the secret': {
    env: ({ aws, good }) => ({
      ...aws.environment(good),
      ...{ AWS_ACCESS_KEY_ID: `${good.secretAccessKey}/`, AWS_SECRET_ACCESS_KEY: good.accessKeyId },
    }),
  },
};
