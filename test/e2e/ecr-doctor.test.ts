import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type AwsStandIn, startAws } from '../support/aws/stand-in.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { type Finished, finch } from './support/finch.ts';
import { filesIn } from './support/home-contents.ts';

const HOST = '111222333444.dkr.ecr.us-east-1.amazonaws.com';

describe.skipIf(Bun.which('docker-registry') === null || Bun.which('openssl') === null)(
  'finch ecr doctor',
  () => {
    let aws: AwsStandIn;
    beforeAll(async () => {
      aws = await startAws();
      aws.repositories.create({ account: '111222333444', region: 'us-east-1', name: 'app' });
    });
    afterAll(() => aws[Symbol.asyncDispose]());

    test('goes the whole way of a push, and stores nothing', async () => {
      await using home = await temporaryFolder();
      const env = aws.environment(aws.addUser());
      const { stdout, stderr, exitCode } = await doctor(home.path, env, `${HOST}/app:1`);
      expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
      expect(statesOf(stdout)).toEqual({
        'finch login': 'ok',
        keys: 'ok',
        endpoint: 'ok',
        identity: 'ok',
        token: 'ok',
        registry: 'ok',
        repository: 'ok',
        pull: 'note',
        push: 'ok',
      });
      expect(stdout).toContain('arn:aws:iam::111222333444:user/alice');
      const kept = await filesIn(home.path);
      expect(Object.keys(kept).filter((path) => path.endsWith('config.json'))).toEqual([]);
    });

    test('is about the own registry of the region when nothing is named', async () => {
      await using home = await temporaryFolder();
      const env = { ...aws.environment(aws.addUser()), AWS_REGION: 'eu-west-1' };
      const { stdout, exitCode } = await doctor(home.path, env);
      expect(exitCode).toBe(0);
      expect(stdout).toStartWith('checking 111222333444.dkr.ecr.eu-west-1.amazonaws.com\n');
    });

    test('skips what needs the keys when there are none', async () => {
      await using home = await temporaryFolder();
      const finished = await doctor(home.path, aws.environment(), `${HOST}/app`);
      expect(finished.exitCode).toBe(1);
      expect(statesOf(finished.stdout)).toMatchObject({
        keys: 'FAIL',
        token: 'skipped',
        push: 'skipped',
      });
      expectOneError(finished);
      expect(finished.stderr).toContain('aws configure');
    });

    test('names the permission that a push lacks', async () => {
      await using home = await temporaryFolder();
      const allow = ['ecr:GetAuthorizationToken', 'ecr:BatchGetImage', 'ecr:DescribeRepositories'];
      const env = aws.environment(aws.addUser({ name: 'reader', allow }));
      const finished = await doctor(home.path, env, `${HOST}/app:1`);
      expect(finished.exitCode).toBe(1);
      expect(statesOf(finished.stdout)).toMatchObject({ registry: 'ok', push: 'FAIL' });
      expect(finished.stdout).toContain('ecr:InitiateLayerUpload');
      expectOneError(finished);
    });

    test('says that a repository is missing, and how it is made', async () => {
      await using home = await temporaryFolder();
      const env = aws.environment(aws.addUser());
      const finished = await doctor(home.path, env, `${HOST}/nowhere:1`);
      expect(statesOf(finished.stdout)).toMatchObject({ repository: 'FAIL', push: 'skipped' });
      expect(finished.stderr).toContain('finch ecr create-repo');
      expectOneError(finished);
    });

    test('notes a clock that is off', async () => {
      await using home = await temporaryFolder();
      const env = aws.environment(aws.addUser());
      aws.clockOffsetMs = 20 * 60_000;
      const { stdout, exitCode } = await doctor(home.path, env, HOST);
      aws.clockOffsetMs = 0;
      expect(exitCode).toBe(0);
      expect(stdout).toMatch(/^note +endpoint .* the clock of this machine is \d+ s behind/m);
    });

    test('notes what docker would use and cannot', async () => {
      await using home = await temporaryFolder();
      await mkdir(join(home.path, '.docker'));
      const config = { credHelpers: { [HOST]: 'nobody-has-this' } };
      await Bun.write(join(home.path, '.docker/config.json'), JSON.stringify(config));
      const env = aws.environment(aws.addUser());
      const { stdout } = await doctor(home.path, env, HOST);
      expect(stdout).toMatch(
        /^note +configuration .*\(docker, crane and nerdctl\): docker-credential-nobody-has-this; .* is not on PATH$/m,
      );
    });

    test('shows what files and programs say in one line each, without sequences or secrets', async () => {
      await using home = await temporaryFolder();
      const { secretAccessKey } = aws.addUser();
      const keys = {
        ...{ Version: 1, AccessKeyId: `\u001b]0;A\u0007\n${secretAccessKey}` },
        SecretAccessKey: secretAccessKey,
      };
      await Bun.write(join(home.path, 'keys'), JSON.stringify(keys));
      await Bun.write(
        join(home.path, '.aws/config'),
        `[default]\ncredential_process = cat ${home.path}/keys\n`,
      );
      const config = { credHelpers: { [HOST]: 'x\u001b[2J\nok      registry' }, auths: {} };
      await Bun.write(join(home.path, '.docker/config.json'), JSON.stringify(config));
      const { stdout, exitCode } = await doctor(home.path, aws.environment(), HOST);
      expect(exitCode).toBe(1);
      expect(stdout).toMatch(/^ok +keys +profile default: .*A.*$/m);
      expect(stdout.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
      expect(statesOf(stdout)).toMatchObject({ registry: 'skipped' });
      expect(stdout.includes(secretAccessKey)).toBe(false);
    });

    test('is not for other registries', async () => {
      await using home = await temporaryFolder();
      const finished = await doctor(home.path, aws.environment(), 'ghcr.io');
      expect(finished.exitCode).toBe(1);
      expectOneError(finished);
      expect(finished.stderr).toContain('ghcr.io is no registry of Amazon ECR');
    });
  },
);

function doctor(
  home: string,
  env: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<Finished> {
  return finch(['ecr', 'doctor', ...args], { home, env });
}

/** The state of each check, by its name. */
function statesOf(stdout: string): Record<string, string> {
  const lines = stdout.matchAll(/^(ok|note|FAIL|skipped) +(finch login|\S+)/gm);
  return Object.fromEntries([...lines].map(([, state = '', check = '']) => [check, state]));
}

function expectOneError({ stderr }: Finished): void {
  expect(stderr.match(/^finch: /gm)).toHaveLength(1);
  expect(stderr.match(/^hint: /gm)).toHaveLength(1);
}
