import { describe, expect, test } from 'bun:test';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type AwsStandIn, type AwsUser, startAws } from '../support/aws/stand-in.ts';
import { expectError } from './support/expectations.ts';
import { filesIn } from './support/home-contents.ts';
import { runProgram } from './support/program.ts';
import { type Workbench, workbench } from './support/workbench.ts';

/** Every AWS CLI that is here: those of a system and of its user are of different versions. */
const CLIS = [
  ...new Set([Bun.which('aws'), Bun.which('aws', { PATH: '/usr/local/bin:/usr/bin' })]),
].flatMap((path) => path ?? []);

interface AwsBench extends Workbench {
  readonly aws: AwsStandIn;
  readonly user: AwsUser;
  /** A user whose keys the profile `dev` holds; its region is eu-central-1. */
  readonly dev: AwsUser;
  /** The environment of someone whose shared files know `dev`, and who is `who` without it. */
  as(who?: AwsUser): Record<string, string>;
}

async function awsBench(): Promise<AwsBench> {
  const place = await workbench();
  const aws = await startAws();
  const user = aws.addUser();
  const dev = aws.addUser({ name: 'dev', account: '999888777666', session: true });
  const [config, credentials] = [place.path('aws/config'), place.path('aws/credentials')];
  await mkdir(dirname(config));
  await writeFile(config, '[profile dev]\nregion = eu-central-1\n');
  await writeFile(
    credentials,
    `[dev]\naws_access_key_id = ${dev.accessKeyId}\naws_secret_access_key = ${dev.secretAccessKey}\naws_session_token = ${dev.sessionToken}\n`,
  );
  const files = { AWS_CONFIG_FILE: config, AWS_SHARED_CREDENTIALS_FILE: credentials };
  return {
    ...{ ...place, aws, user, dev },
    as: (who) => ({ ...aws.environment(who), ...files }),
    async [Symbol.asyncDispose]() {
      await aws[Symbol.asyncDispose]();
      await place[Symbol.asyncDispose]();
    },
  };
}

/** The environment without a region. */
function nowhere(env: Record<string, string>): Record<string, string> {
  const { AWS_REGION: _region, AWS_DEFAULT_REGION: _default, ...rest } = env;
  return rest;
}

describe('finch ecr whoami', () => {
  test.skipIf(CLIS.length === 0)('writes what the AWS CLI writes, byte for byte', async () => {
    await using bench = await awsBench();
    const env = bench.as(bench.user);
    for (const flags of [[], ['--profile', 'dev', '--region', 'eu-west-1']]) {
      const written = await bench.ok(['ecr', 'whoami', ...flags], { env });
      const asked = bench.aws.log.at(-1);
      for (const cli of CLIS) {
        const command = [cli, 'sts', 'get-caller-identity', '--output', 'json', ...flags];
        const { stdout, stderr } = await runProgram(command, { env });
        expect({ cli, stdout, stderr }).toEqual({ cli, stdout: written, stderr: '' });
        const { principal, service, action } = bench.aws.log.at(-1) ?? {};
        expect(asked).toMatchObject({ principal, service, action });
      }
    }
  });

  test('asks in the region that the user names, and says what it does with --explain', async () => {
    await using bench = await awsBench();
    const env = bench.as(bench.user);
    const plain = await bench.run('ecr whoami', { env });
    expect(plain.stderr).toBe('');
    expect(JSON.parse(plain.stdout)).toEqual({
      ...{ UserId: bench.user.userId, Account: bench.user.account, Arn: bench.user.arn },
    });
    const explained = await bench.run('ecr whoami --explain --region ap-south-1', { env });
    expect(explained).toEqual({
      ...plain,
      stderr:
        'keys: the environment\nexpiry: none\nregion: ap-south-1\nendpoint: https://sts.ap-south-1.amazonaws.com\n',
    });
    expect(bench.aws.log.at(-1)?.host).toBe('sts.ap-south-1.amazonaws.com');
    const dev = await bench.run('ecr whoami --explain --profile dev', {
      env: { ...nowhere(env), AWS_ENDPOINT_URL_STS: bench.aws.endpoint },
    });
    expect(dev.stderr).toBe(
      `keys: profile dev\nexpiry: none\nregion: eu-central-1\nendpoint: ${bench.aws.endpoint}\n`,
    );
    expect(JSON.parse(dev.stdout)).toMatchObject({ Arn: bench.dev.arn });
  });

  test('says what to do when there are no keys, or none that AWS takes', async () => {
    await using bench = await awsBench();
    const before = await filesIn(bench.home);
    const expired = bench.aws.addUser({ name: 'eve', expired: true });
    for (const [env, line, message] of [
      [bench.as(), 'ecr whoami', /no AWS credentials/],
      [bench.as(), 'ecr whoami --profile nope', /profile "nope"/],
      [bench.as(expired), 'ecr whoami', /expired/],
      [bench.as(bench.user), 'ecr whoami --region eu/west', /"eu\/west" is no region/],
    ] as const) {
      expectError(await bench.fails(line, { env }), message, /./);
    }
    expect(await filesIn(bench.home)).toEqual(before);
  });
});

describe('finch ecr login-password', () => {
  test('writes a new password for the registries of whoever asks, and keeps nothing', async () => {
    await using bench = await awsBench();
    const before = await filesIn(bench.home);
    const env = bench.as(bench.user);
    const passwords = new Set<string>();
    for (const [flags, expected] of [
      ['', { account: '111222333444', region: 'us-east-1', service: 'ecr' }],
      [' --region eu-west-1', { account: '111222333444', region: 'eu-west-1', service: 'ecr' }],
      [' --region eu-west-1', { account: '111222333444', region: 'eu-west-1', service: 'ecr' }],
      [' --profile dev', { account: '999888777666', service: 'ecr' }],
      [' --public', { service: 'ecr-public' }],
      [' --public --region us-east-1', { service: 'ecr-public' }],
    ] as const) {
      const { stdout, stderr, exitCode } = await bench.run(`ecr login-password${flags}`, { env });
      expect({ flags, stderr, exitCode }).toEqual({ flags, stderr: '', exitCode: 0 });
      expect(stdout).toEndWith('\n');
      const password = stdout.slice(0, -1);
      expect(bench.aws.issued(password)).toMatchObject(expected);
      passwords.add(password);
    }
    expect(passwords.size).toBe(6);
    expect(await filesIn(bench.home)).toEqual(before);
  });

  test('takes the region of the profile', async () => {
    await using bench = await awsBench();
    const env = nowhere(bench.as(bench.user));
    const password = await bench.ok('ecr login-password --profile dev', { env });
    expect(bench.aws.issued(password.trim())).toMatchObject({ region: 'eu-central-1' });
  });

  test.skipIf(CLIS.length === 0)('writes what the AWS CLI writes', async () => {
    await using bench = await awsBench();
    const env = bench.as(bench.user);
    for (const [own, theirs] of [
      ['ecr login-password --region eu-west-1', 'ecr get-login-password --region eu-west-1'],
      ['ecr login-password --public', 'ecr-public get-login-password --region us-east-1'],
    ] as const) {
      const mine = await bench.ok(own, { env });
      for (const cli of CLIS) {
        const { stdout } = await runProgram([cli, ...theirs.split(' ')], { env });
        expect(stdout.length).toBe(mine.length);
        const { expires: _, ...issued } = bench.aws.issued(stdout.trim()) ?? {};
        expect(bench.aws.issued(mine.trim())).toMatchObject(issued);
      }
    }
  });

  test('says what to do when there is no region, or AWS refuses', async () => {
    await using bench = await awsBench();
    const before = await filesIn(bench.home);
    const bob = bench.aws.addUser({ name: 'bob', allow: [] });
    for (const [env, line, message] of [
      [nowhere(bench.as(bench.user)), 'ecr login-password', /no AWS region is set/],
      [bench.as(), 'ecr login-password', /no AWS credentials/],
      [bench.as(bob), 'ecr login-password', /user\/bob may not call ecr:GetAuthorizationToken/],
      [bench.as(bob), 'ecr login-password --public', /ecr-public:GetAuthorizationToken/],
    ] as const) {
      expectError(await bench.fails(line, { env }), message, /./);
    }
    expect(await filesIn(bench.home)).toEqual(before);
  });
});
