import { describe, expect, test } from 'bun:test';
import { ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import {
  ECRPUBLICClient,
  GetAuthorizationTokenCommand as PublicGetAuthorizationTokenCommand,
} from '@aws-sdk/client-ecr-public';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { type AwsCli, awsClis, runAwsCli } from '../support/aws/aws-cli.ts';
import { type AwsStandIn, type AwsUser, startAws } from '../support/aws/stand-in.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { areHere } from './support/program.ts';

// Programs that know nothing of finch take the stand-in for AWS, over HTTPS and by AWS's own names, so what
// finch is held to here it is held to there.

const HOST = '111222333444.dkr.ecr.eu-west-1.amazonaws.com';

/** Runs a program that meets the stand-in wherever it goes to AWS, in a home of its own. */
async function client(
  aws: AwsStandIn,
  { user, line, stdin = '' }: { user: AwsUser; line: readonly string[]; stdin?: string },
) {
  await using home = await temporaryFolder();
  const child = Bun.spawn([...line], {
    env: { PATH: process.env['PATH'], HOME: home.path, ...aws.environment(user) },
    stdin: new Blob([stdin]),
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [stdout, stderr, exitCode] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { stdout, stderr, exitCode };
}

for (const cli of awsClis()) {
  test(`the AWS CLI ${cli.version} is told who it is, and gets tokens and repositories`, async () => {
    await using aws = await startAws();
    const user = aws.addUser({ session: true });
    const run = jobsOf(cli, { aws, user });
    const lines = [
      'sts get-caller-identity',
      'ecr get-login-password --region eu-west-1',
      'ecr-public get-login-password --region us-east-1',
      'ecr create-repository --repository-name team/app --image-tag-mutability IMMUTABLE',
      'ecr describe-repositories --repository-names team/app',
    ];
    const answers = await run(lines);
    expect(answers.map(({ status, stderr }) => [status, stderr])).toEqual(lines.map(() => [0, '']));
    const [identity, password, ofPublic, made, found] = answers.map(({ stdout }) => stdout);
    expect(JSON.parse(identity ?? '')).toEqual({
      ...{ UserId: user.userId, Account: user.account, Arn: user.arn },
    });
    expect(aws.issued((password ?? '').trimEnd())).toMatchObject({
      ...{ service: 'ecr', region: 'eu-west-1' },
    });
    expect(aws.issued((ofPublic ?? '').trimEnd())?.service).toBe('ecr-public');
    const { repository } = JSON.parse(made ?? '');
    expect(JSON.parse(found ?? '').repositories).toEqual([repository]);
    expect(aws.log.map(({ host, principal, status }) => [host, principal, status])).toEqual(
      [
        ...['sts.us-east-1.amazonaws.com', 'api.ecr.eu-west-1.amazonaws.com'],
        ...['api.ecr-public.us-east-1.amazonaws.com', 'api.ecr.us-east-1.amazonaws.com'],
        'api.ecr.us-east-1.amazonaws.com',
      ].map((host) => [host, user.arn, 200]),
    );
  });

  test(`the AWS CLI ${cli.version} is refused with the secret key of another`, async () => {
    await using aws = await startAws();
    const { secretAccessKey } = aws.addUser({ name: 'bob' });
    const run = jobsOf(cli, { aws, user: { ...aws.addUser(), secretAccessKey } });
    const [ecr, sts] = await run(['ecr get-login-password', 'sts get-caller-identity']);
    expect(ecr?.stderr).toContain(
      'An error occurred (InvalidSignatureException) when calling the GetAuthorizationToken operation: The request signature we calculated does not match',
    );
    expect(sts?.stderr).toContain('An error occurred (SignatureDoesNotMatch)');
    expect([ecr?.stdout, sts?.stdout]).toEqual(['', '']);
  });
}

/** A way to run command lines of an AWS CLI, one after the other, each in an environment of its own. */
function jobsOf(cli: AwsCli, { aws, user }: { aws: AwsStandIn; user: AwsUser }) {
  return async (lines: readonly string[]) => {
    await using home = await temporaryFolder();
    const env = { HOME: home.path, ...aws.environment(user) };
    return runAwsCli(
      cli,
      lines.map((line) => ({ args: line.split(' '), env })),
    );
  };
}

describe.skipIf(!areHere('docker-credential-ecr-login'))('the official helper', () => {
  const line = ['docker-credential-ecr-login', 'get'];

  test('gets tokens for private registries and for the public one', async () => {
    await using aws = await startAws();
    const user = aws.addUser({ session: true });
    for (const [host, service] of [
      [HOST, 'ecr'],
      ['public.ecr.aws', 'ecr-public'],
    ] as const) {
      const { stdout, stderr, exitCode } = await client(aws, { user, line, stdin: host });
      expect([exitCode, stderr]).toEqual([0, '']);
      const { Username, Secret } = JSON.parse(stdout);
      expect([Username, aws.issued(Secret)?.service]).toEqual(['AWS', service]);
    }
    expect(aws.log).toHaveLength(2);
  });

  test('is refused with the secret key of another', async () => {
    await using aws = await startAws();
    const { secretAccessKey } = aws.addUser({ name: 'bob' });
    const user = { ...aws.addUser(), secretAccessKey };
    const { stdout, exitCode } = await client(aws, { user, line, stdin: HOST });
    expect([stdout.trim(), exitCode]).toEqual(['credentials not found in native keychain', 1]);
    expect(aws.log).toMatchObject([{ status: 400, type: 'InvalidSignatureException' }]);
  });
});

test("the AWS SDK's three clients are believed", async () => {
  await using aws = await startAws();
  const credentials = aws.addUser({ session: true });
  const options = { endpoint: aws.endpoint, region: 'us-east-1', credentials };
  await new STSClient(options).send(new GetCallerIdentityCommand({}));
  await new ECRClient(options).send(new GetAuthorizationTokenCommand({}));
  await new ECRPUBLICClient(options).send(new PublicGetAuthorizationTokenCommand({}));
  expect(aws.log.map(({ service, status }) => [service, status])).toEqual([
    ...[
      ['sts', 200],
      ['ecr', 200],
    ],
    ['ecr-public', 200],
  ]);
});
