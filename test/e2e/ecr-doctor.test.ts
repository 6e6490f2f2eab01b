import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { chmod, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type AwsStandIn, startAws } from '../support/aws/stand-in.ts';
import { CANARY } from '../support/canary.ts';
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
        'finch.yaml': 'ok',
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
      expect(Object.keys(await filesIn(home.path))).toEqual([]);
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
      expect(finished.stdout).toContain(
        'repository nowhere does not exist in account 111222333444, region us-east-1',
      );
      expect(finished.stderr).toContain(`create it with: finch ecr create-repo ${HOST}/nowhere`);
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
      expect(stdout).toMatch(/^(?:ok|FAIL) +keys .*$/m);
      expect(stdout.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
      expect(statesOf(stdout)).toMatchObject({ registry: 'skipped' });
      expect(stdout.includes(secretAccessKey)).toBe(false);
    });

    test('is not for other registries', async () => {
      await using home = await temporaryFolder();
      const finished = await doctor(home.path, aws.environment(), 'ghcr.io');
      expect(finished.exitCode).toBe(1);
      expectOneError(finished);
      expect(finished.stderr).toContain('"ghcr.io" is no registry of Amazon ECR');
    });

    test.each([
      [`https://${HOST}/v2/`, false],
      [`HTTPS://${HOST.toUpperCase()}/`, false],
      [`${HOST}:443`, false],
      [`https://${HOST}/app:1`, true],
      [`${HOST.toUpperCase()}/app:1`, true],
    ])('takes a registry as %s', async (written, isImage) => {
      await using home = await temporaryFolder();
      const { stdout, exitCode } = await doctor(home.path, aws.environment(aws.addUser()), written);
      expect(exitCode).toBe(0);
      expect(stdout).toStartWith(`checking ${HOST}\n`);
      expect('push' in statesOf(stdout)).toBe(isImage);
    });

    test('fails for a login that finch would use and the registry refuses', async () => {
      await using home = await temporaryFolder();
      const config = {
        auths: { [HOST]: { auth: Buffer.from(`AWS:${CANARY}`).toString('base64') } },
      };
      await Bun.write(join(home.path, 'config.json'), JSON.stringify(config));
      const finished = await doctor(home.path, aws.environment(aws.addUser()), `${HOST}/app:1`);
      expect(finished.exitCode).toBe(1);
      expect(statesOf(finished.stdout)).toMatchObject({
        ...{ 'finch login': 'FAIL', token: 'ok', pull: 'skipped', push: 'skipped' },
      });
      expectOneError(finished);
      expect(finished.stderr).toContain(`finch logout ${HOST}`);
    });

    test('is content with a login that works where the keys may do nothing', async () => {
      await using home = await temporaryFolder();
      const keys = aws.environment(aws.addUser({ name: 'lender' }));
      const made = await finch(['ecr', 'login-password'], { home: home.path, env: keys });
      const config = { auths: { [HOST]: { auth: btoa(`AWS:${made.stdout.trim()}`) } } };
      await Bun.write(join(home.path, 'config.json'), JSON.stringify(config));
      for (const user of [aws.addUser({ name: 'nobody', allow: [] }), undefined]) {
        const { stdout, stderr, exitCode } = await doctor(
          home.path,
          aws.environment(user),
          `${HOST}/app:1`,
        );
        expect([stderr, exitCode]).toEqual(['', 0]);
        expect(statesOf(stdout)).toMatchObject({ 'finch login': 'note', push: 'ok' });
        expect(Object.values(statesOf(stdout))).not.toContain('FAIL');
      }
    });

    test('is content with nobody at ECR Public', async () => {
      await using home = await temporaryFolder();
      const { uri } = aws.repositories.create({ name: 'web', isPublic: true });
      const { stdout, stderr, exitCode } = await doctor(home.path, aws.environment(), `${uri}:1`);
      expect([stderr, exitCode]).toEqual(['', 0]);
      expect(statesOf(stdout)).toMatchObject({ keys: 'note', token: 'skipped', push: 'note' });
      // Who has keys wants to be somebody there.
      const env = aws.environment(aws.addUser({ name: 'stranger', allow: [] }));
      const finished = await doctor(home.path, env, `${uri}:1`);
      expect(finished.exitCode).toBe(1);
      expect(statesOf(finished.stdout)).toMatchObject({ token: 'note', push: 'FAIL' });
      expectOneError(finished);
    });

    test.each(['nobody-has-this', '../x', 'fails', 'dangles'])(
      'fails for a helper %s that finch itself would run, and only notes it of docker',
      async (helper) => {
        await using home = await temporaryFolder();
        const bin = join(home.path, 'bin');
        await mkdir(bin);
        await Bun.write(join(bin, 'docker-credential-fails'), '#!/bin/sh\nexit 1\n');
        await chmod(join(bin, 'docker-credential-fails'), 0o755);
        await symlink(join(home.path, 'gone'), join(bin, 'docker-credential-dangles'));
        const env = { ...aws.environment(aws.addUser()), PATH: `${bin}:/usr/bin:/bin` };
        const config = JSON.stringify({ credHelpers: { [HOST]: helper } });
        await Bun.write(join(home.path, 'config.json'), config);
        const finished = await doctor(home.path, env, HOST);
        expect(finished.exitCode).toBe(1);
        expect(statesOf(finished.stdout)['finch login']).toBe('FAIL');
        expectOneError(finished);
        await Bun.write(join(home.path, 'config.json'), '{}');
        await Bun.write(join(home.path, '.docker/config.json'), config);
        const ofDocker = await doctor(home.path, env, HOST);
        expect(ofDocker.exitCode).toBe(0);
      },
    );

    test('knows a placeholder that was never filled in', async () => {
      await using home = await temporaryFolder();
      const key = '<aws_account_id>.dkr.ecr.<region>.amazonaws.com';
      const config = { auths: null, credHelpers: { [key]: 'ecr-login' } };
      await Bun.write(join(home.path, 'config.json'), JSON.stringify(config));
      const { stdout, exitCode } = await doctor(home.path, aws.environment(aws.addUser()), HOST);
      expect(exitCode).toBe(0);
      expect(stdout).toMatch(/^note +configuration .*<aws_account_id>.* finch ecr setup \d+/m);
    });

    test.each([
      ['finch.yaml', 'creds_helpers: ecr-login\n', /finch\.yaml:1:\d+/],
      ['finch.yaml', 'a: [\n', /finch\.yaml:\d+:\d+/],
      ['config.json', '{"auths": [}', /config\.json:1:\d+/],
    ])('names the place where %s is broken', async (file, text, place) => {
      await using home = await temporaryFolder();
      await Bun.write(join(home.path, file), text);
      const finished = await doctor(home.path, aws.environment(aws.addUser()), HOST);
      expect(finished.exitCode).toBe(1);
      expect(finished.stdout).toMatch(new RegExp(`^FAIL .*${place.source}`, 'm'));
      expectOneError(finished);
    });

    test('shows no access key id whole, and nothing of a secret in its place', async () => {
      await using home = await temporaryFolder();
      const user = aws.addUser();
      const { accessKeyId: id, secretAccessKey: secret } = user;
      const env = aws.environment(user);
      const { stdout } = await doctor(home.path, env, HOST);
      expect(stdout).toContain(`${id.slice(0, 4)}…${id.slice(-4)}`);
      expect(stdout.includes(id)).toBe(false);
      const swapped = { ...env, AWS_ACCESS_KEY_ID: secret, AWS_SECRET_ACCESS_KEY: id };
      const said = await doctor(home.path, swapped, HOST);
      expect(said.exitCode).toBe(1);
      expect(`${said.stdout}${said.stderr}`.includes(secret.slice(-8))).toBe(false);
    });

    test('only notes that nobody tells who the user is, which a push does not need', async () => {
      await using home = await temporaryFolder();
      const env = { ...aws.environment(aws.addUser()), AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:9' };
      const { stdout, exitCode } = await doctor(home.path, env, `${HOST}/app:1`);
      expect(exitCode).toBe(0);
      expect(statesOf(stdout)).toMatchObject({ identity: 'note', token: 'ok', push: 'ok' });
    });

    test('asks an endpoint that does not answer once', async () => {
      await using home = await temporaryFolder();
      const dead = { AWS_ENDPOINT_URL: 'http://127.0.0.1:9' };
      const env = { ...aws.environment(aws.addUser()), ...dead };
      const finished = await doctor(home.path, env, `${HOST}/app`);
      expect(finished.exitCode).toBe(1);
      expect(statesOf(finished.stdout)).toMatchObject({
        ...{ endpoint: 'FAIL', identity: 'skipped', token: 'skipped', registry: 'skipped' },
        ...{ repository: 'skipped', pull: 'skipped', push: 'skipped' },
      });
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
