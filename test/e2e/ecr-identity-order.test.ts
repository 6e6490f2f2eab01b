import { expect, test } from 'bun:test';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { awsClis, runAwsCli } from '../support/aws/aws-cli.ts';
import { startContainerKeys, startMetadata } from '../support/aws/metadata.ts';
import { type AwsStandIn, type AwsUser, startAws } from '../support/aws/stand-in.ts';
import { finch, finchEnvironment } from './support/finch.ts';
import { workbench } from './support/workbench.ts';

const clis = awsClis();

/** A setting of the world, and who one is in it. */
interface Case {
  readonly title: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** The end of the ARN; undefined where there is nobody. */
  readonly who: string | undefined;
}

const keysOf = ({ accessKeyId, secretAccessKey, sessionToken }: AwsUser) =>
  [
    `aws_access_key_id = ${accessKeyId}`,
    `aws_secret_access_key = ${secretAccessKey}`,
    ...(sessionToken === undefined ? [] : [`aws_session_token = ${sessionToken}`]),
  ].join('\n');

const environmentOf = ({ accessKeyId, secretAccessKey, sessionToken }: AwsUser) => ({
  AWS_ACCESS_KEY_ID: accessKeyId,
  AWS_SECRET_ACCESS_KEY: secretAccessKey,
  ...(sessionToken !== undefined && { AWS_SESSION_TOKEN: sessionToken }),
});

/** The files and the servers of all cases. */
async function world(aws: AwsStandIn, home: string) {
  const user = (name: string, session = false) => aws.addUser({ name, session });
  const [env, plain, other, both, temporary] = [
    user('env'),
    user('default'),
    user('other'),
    user('both'),
    user('temporary', true),
  ];
  const [processUser, task, machine] = [user('process'), user('task', true), user('machine', true)];
  const trusts = [plain.arn, env.arn, task.arn, processUser.arn, machine.arn];
  const role = aws.addRole({ name: 'builder', trusts });
  const guarded = aws.addRole({ name: 'guarded', trusts, externalId: 'ext-1' });
  const token = `${temporary.sessionToken}-web`;
  const web = aws.addRole({ name: 'web', webIdentity: token });
  const folder = join(home, '.aws');
  await mkdir(folder);
  const [program, tokenFile] = [join(folder, 'give keys.sh'), join(folder, 'token')];
  const given = { Version: 1, AccessKeyId: processUser.accessKeyId };
  await Bun.write(tokenFile, token);
  const answer = JSON.stringify({ ...given, SecretAccessKey: processUser.secretAccessKey });
  await Bun.write(program, `echo '${answer.slice(0, -1)}'"$1"'}'`);
  await Bun.write(
    join(folder, 'credentials'),
    `[default]\n${keysOf(plain)}\n\n; a comment\n[both]\n${keysOf(both)}\n[process-and-keys]\n${keysOf(other)}\n[role-and-keys]\n${keysOf(other)}\n[self]\n${keysOf(plain)}\n[halves]\naws_secret_access_key = ${plain.secretAccessKey}\n`,
  );
  const command = `credential_process = sh "${program}"`;
  const assume = `role_arn = ${role.arn}\nrole_session_name = it`;
  await Bun.write(
    join(folder, 'config'),
    `[default]
region = us-east-1
[profile temporary]
${keysOf(temporary)}
[profile "with space"]
${keysOf(other)}
[profile both]
${keysOf(other)}
[profile process]
${command}
[profile process-and-keys]
${command}
[profile process-and-config-keys]
${command}
${keysOf(other)}
[profile role]
${assume}
source_profile = default
[profile role-and-keys]
${assume}
source_profile = default
[profile self]
${assume}
source_profile = self
[profile chain]
role_arn = ${guarded.arn}
role_session_name = second
external_id = ext-1
source_profile = process
[profile from-env]
${assume}
credential_source = Environment
[profile from-task]
${assume}
credential_source = EcsContainer
[profile from-machine]
${assume}
credential_source = Ec2InstanceMetadata
[profile web]
role_arn = ${web.arn}
role_session_name = it
web_identity_token_file = ${tokenFile}
[profile loop]
${assume}
source_profile = loop2
[profile loop2]
${assume}
source_profile = loop
[profile no-source]
${assume}
[profile halves]
aws_access_key_id = ${plain.accessKeyId}
[profile ended]
credential_process = sh "${program}" ', "Expiration": "2020-01-01T00:00:00Z"'
[profile empty]
region = us-east-1
`,
  );
  const webEnv = {
    AWS_ROLE_ARN: web.arn,
    AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile,
    AWS_ROLE_SESSION_NAME: 'it',
  };
  return { env: environmentOf(env), temporary: environmentOf(temporary), webEnv, task, machine };
}

function casesOf(
  { env, temporary, webEnv }: Awaited<ReturnType<typeof world>>,
  { container, metadata }: Record<'container' | 'metadata', Readonly<Record<string, string>>>,
): readonly Case[] {
  const profile = (name: string) => ({ AWS_PROFILE: name });
  return [
    { title: 'the default profile', who: 'user/default' },
    { title: 'keys of the environment', env, who: 'user/env' },
    { title: 'keys of a session', env: temporary, who: 'user/temporary' },
    { title: 'AWS_PROFILE and keys', env: { ...env, ...profile('both') }, who: 'user/env' },
    { title: '--profile and keys', env, args: ['--profile', 'both'], who: 'user/both' },
    { title: 'both files', env: profile('both'), who: 'user/both' },
    { title: 'a session in config', env: profile('temporary'), who: 'user/temporary' },
    { title: 'a quoted name', env: profile('with space'), who: 'user/other' },
    { title: 'a program', env: profile('process'), who: 'user/process' },
    { title: 'program, credentials', env: profile('process-and-keys'), who: 'user/other' },
    { title: 'program, config', env: profile('process-and-config-keys'), who: 'user/process' },
    { title: 'a role', env: profile('role'), who: 'assumed-role/builder/it' },
    { title: 'role, keys', env: profile('role-and-keys'), who: 'assumed-role/builder/it' },
    { title: 'a role of itself', env: profile('self'), who: 'assumed-role/builder/it' },
    { title: 'a chain', env: profile('chain'), who: 'assumed-role/guarded/second' },
    {
      title: 'a role by --profile from the environment',
      env,
      args: ['--profile', 'from-env'],
      who: 'assumed-role/builder/it',
    },
    {
      title: 'a role from the container',
      env: { ...container, ...profile('from-task') },
      who: 'assumed-role/builder/it',
    },
    {
      title: 'a role from the machine',
      env: { ...metadata, ...profile('from-machine') },
      who: 'assumed-role/builder/it',
    },
    { title: 'a web identity', env: profile('web'), who: 'assumed-role/web/it' },
    { title: 'web identity, default', env: webEnv, who: 'assumed-role/web/it' },
    { title: 'web identity, keys', env: { ...webEnv, ...env }, who: 'user/env' },
    {
      title: 'web identity, --profile',
      env: webEnv,
      args: ['--profile', 'both'],
      who: 'user/both',
    },
    {
      title: 'web identity, role of a profile',
      env: { ...webEnv, ...profile('role') },
      who: 'assumed-role/builder/it',
    },
    { title: 'container, default', env: container, who: 'user/default' },
    {
      title: 'container, empty profile',
      env: { ...container, ...metadata, ...profile('empty') },
      who: 'user/task',
    },
    {
      title: 'the machine, empty profile',
      env: { ...metadata, ...profile('empty') },
      who: 'user/machine',
    },
    { title: 'a half in each file', env: profile('halves'), who: undefined },
    { title: 'keys that have ended', env: profile('ended'), who: undefined },
    { title: 'a secret alone', env: { AWS_SECRET_ACCESS_KEY: 'x' }, who: 'user/default' },
    {
      title: 'both names of a session token',
      env: {
        ...temporary,
        AWS_SESSION_TOKEN: 'none',
        AWS_SECURITY_TOKEN: temporary.AWS_SESSION_TOKEN ?? '',
      },
      who: 'user/temporary',
    },
    { title: 'nobody', env: profile('empty'), who: undefined },
    { title: 'a profile that is not there', env: profile('nope'), who: undefined },
    { title: 'a circle', env: profile('loop'), who: undefined },
    { title: 'a role of nobody', env: profile('no-source'), who: undefined },
    { title: 'half of the keys', env: { AWS_ACCESS_KEY_ID: 'AKIAHALF' }, who: undefined },
  ];
}

test.skipIf(clis.length === 0)(
  'finch takes its keys from where the AWS CLIs take them',
  async () => {
    await using aws = await startAws();
    await using bench = await workbench();
    const setting = await world(aws, bench.home);
    await using container = await startContainerKeys({ user: setting.task });
    await using metadata = startMetadata({ user: setting.machine });
    const cases = casesOf(setting, {
      container: container.environment,
      // The AWS CLI wants the slash at its end.
      metadata: {
        ...metadata.environment,
        AWS_EC2_METADATA_SERVICE_ENDPOINT: `${metadata.environment['AWS_EC2_METADATA_SERVICE_ENDPOINT']}/`,
      },
    });
    const jobs = cases.map(({ env, args = [] }) => ({
      env: finchEnvironment(bench.home, { ...aws.environment(), ...env }),
      args: ['sts', 'get-caller-identity', ...args],
    }));
    const whoIs = (stdout: string, status: number) =>
      status === 0 ? /"Arn": "arn:aws:(?:iam|sts)::\d+:(.*)"/.exec(stdout)?.[1] : undefined;
    const expected = cases.map(({ title, who }) => ({ title, who }));

    const ours: object[] = [];
    // One by one: the metadata service has 300 ms for its answer, and runs in this process.
    for (const { title, args = [], env } of cases) {
      const options = { home: bench.home, env: { ...aws.environment(), ...env } };
      const { stdout, exitCode } = await finch(['ecr', 'whoami', ...args], options);
      ours.push({ title, who: whoIs(stdout, exitCode) });
    }
    expect(ours).toEqual(expected);
    // Each run takes a fifth of a second, so the second of two CLIs answers every third.
    const asked = clis.map((cli, nth) =>
      runAwsCli(
        cli,
        jobs.filter((_, at) => at % (nth * 2 + 1) === 0),
      ),
    );
    for (const [nth, answers] of (await Promise.all(asked)).entries()) {
      const some = expected.filter((_, at) => at % (nth * 2 + 1) === 0);
      const theirs = some.map(({ title }, index) => {
        const { stdout = '', status = 255 } = answers[index] ?? {};
        return { title, who: whoIs(stdout, status) };
      });
      expect(theirs).toEqual(some);
    }
  },
);
