import { expect, test } from 'bun:test';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as tick } from 'node:timers/promises';
import { stopBridge } from '../../src/bridge/stop-bridge.ts';
import { AWS_SECRET_CANARY, AWS_SESSION_CANARY } from '../support/aws/secrets.ts';
import { CANARY } from '../support/canary.ts';
import { type FakeLimactl, fakeLimactl } from '../support/fake-limactl.ts';
import { type AwsBench, awsBench } from './support/aws-bench.ts';
import { expectError } from './support/expectations.ts';
import { finchBinary, finchEnvironment } from './support/finch.ts';
import { withoutStages } from './support/lima-shell.ts';

const ACCOUNT = '111222333444';
const OWN = `${ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com`;
const OTHER = '444455556666.dkr.ecr.us-east-1.amazonaws.com';
const AUTH = Buffer.from(`AWS:${CANARY}`).toString('base64');

/** A home with files, a user of AWS, and a limactl on PATH. */
interface SetupBench extends AwsBench {
  readonly env: Readonly<Record<string, string>>;
  readonly lima: FakeLimactl;
  /** The texts of the files in the home, but for locks, programs, and those of the bridge. */
  texts(): Promise<Readonly<Record<string, string>>>;
}

async function setupBench(files: Readonly<Record<string, string>> = {}): Promise<SetupBench> {
  const bench = await awsBench();
  const user = bench.aws.addUser({ account: ACCOUNT, name: 'alice', session: true });
  const lima = await fakeLimactl(bench.path('lima'));
  for (const [name, text] of Object.entries(files)) await Bun.write(join(bench.home, name), text);
  const region = { AWS_REGION: 'eu-west-1', AWS_DEFAULT_REGION: 'eu-west-1' };
  const machine = { PATH: `${lima.folder}:${process.env['PATH']}`, LIMA_HOME: lima.limaHome };
  return {
    ...bench,
    lima,
    env: { ...bench.as(user), ...region, ...machine },
    async [Symbol.asyncDispose]() {
      await stopBridge(bench.home);
      await bench[Symbol.asyncDispose]();
    },
    async texts() {
      const found: Record<string, string> = {};
      for (const name of await readdir(bench.home, { recursive: true })) {
        const path = join(bench.home, name);
        if (
          /\.lock$|docker-credential|^(?:machine|store)/.test(name) ||
          !(await stat(path)).isFile()
        )
          continue;
        found[name] = await readFile(path, 'utf8');
      }
      return found;
    },
  };
}

const CONFIG = `{\r\n\t"auths": {\r\n\t\t"ghcr.io": {"auth": "${AUTH}"}\r\n\t},\r\n\t"credsStore": "none"\r\n}`;
const YAML = '# my machine\r\ncpus: 1\t# one\r\nmemory: 1GiB\r\n\r\nunknown:  [1,2]';

test('one command sets everything up, and one takes it back to the byte', async () => {
  const files = { 'config.json': CONFIG, 'finch.yaml': YAML };
  await using bench = await setupBench(files);
  const { env, home } = bench;
  await bench.lima.setStatus('Running');
  const { stdout, stderr, exitCode } = await bench.run('ecr setup', { env });
  expect({ exitCode, stderr: withoutStages(stderr) }).toEqual({
    exitCode: 0,
    stderr: [
      `${OWN}: you are arn:aws:iam::${ACCOUNT}:user/alice, by the keys of the environment`,
      `wrote ${home}/finch.yaml`,
      `wrote ${home}/config.json`,
      `installed ${home}/cred-helpers/docker-credential-ecr-login`,
      'restarting the virtual machine',
      'restarted the virtual machine',
      '',
    ].join('\n'),
  });
  expect(stdout).toBe(
    [
      `--- ${home}/finch.yaml`,
      `+++ ${home}/finch.yaml`,
      ' ',
      ' unknown:  …',
      '+creds_helpers:',
      '+  - ecr-login',
      `--- ${home}/config.json`,
      `+++ ${home}/config.json`,
      ' \t\t"ghcr.io": "…"',
      ' \t},',
      '-\t"credsStore": "none"',
      '+\t"credsStore": "none",',
      '+\t"credHelpers": {',
      `+\t\t"${OWN}": "ecr-login"`,
      '+\t}',
      ' }',
      '',
    ].join('\n'),
  );
  const written = await bench.texts();
  expect(written['finch.yaml']).toBe(`${YAML}\r\ncreds_helpers:\r\n  - ecr-login`);
  expect(JSON.parse(written['config.json'] ?? '')).toEqual({
    ...JSON.parse(CONFIG),
    credHelpers: { [OWN]: 'ecr-login' },
  });
  const calls = () => actsOf(bench.lima);
  expect(await calls()).toEqual(['stop finch', 'start --tty=false finch']);

  expect(await bench.ok('ecr setup', { env })).toBe('nothing to change\n');
  expect(await bench.texts()).toEqual(written);
  expect(await calls()).toHaveLength(2);

  await bench.ok('ecr unset', { env });
  expect(await bench.texts()).toEqual(files);
  expect(await readdir(home)).not.toContain('cred-helpers');
  expect(await calls()).toHaveLength(4);
  const told = Object.values(await bench.lima.environment()).join('\n');
  expect(told.includes(AWS_SECRET_CANARY) || told.includes(AWS_SESSION_CANARY)).toBe(false);
}, 60_000);

test('the helper that is installed is finch, and gives logins to other programs', async () => {
  await using bench = await setupBench();
  await bench.ok('ecr setup --public', { env: bench.env });
  const helper = join(bench.home, 'cred-helpers/docker-credential-ecr-login');
  expect((await stat(helper)).size).toBe((await stat(finchBinary)).size);
  const answer = Bun.spawn([helper, 'get'], {
    stdin: Buffer.from(OWN),
    env: finchEnvironment(bench.home, bench.env),
  });
  const { Username, Secret } = JSON.parse(await answer.stdout.text()) as Record<string, string>;
  expect({ exitCode: await answer.exited, Username }).toEqual({ exitCode: 0, Username: 'AWS' });
  expect(bench.aws.issued(Secret ?? '')).toMatchObject({ account: ACCOUNT, region: 'eu-west-1' });
  expect(JSON.parse((await bench.texts())['config.json'] ?? '')).toEqual({
    credHelpers: { [OWN]: 'ecr-login', 'public.ecr.aws': 'ecr-login' },
  });
});

test('a profile is used for the registries that it is set up for', async () => {
  await using bench = await setupBench();
  const { PATH = '', ...others } = bench.env;
  const user = bench.aws.addUser({ account: '444455556666', name: 'bob' });
  await Bun.write(
    join(bench.home, '.aws/credentials'),
    `[dev]\naws_access_key_id = ${user.accessKeyId}\naws_secret_access_key = ${user.secretAccessKey}\n`,
  );
  const run = await bench.run(`ecr setup ${OTHER} --profile dev`, { env: { ...others, PATH } });
  expect(run.stderr).toContain(`${OTHER}: you are ${user.arn}, by the keys of profile dev\n`);
  expect((await bench.texts())['finch.yaml']).toBe(
    `creds_helpers:\n  - ecr-login\necr:\n  registries:\n    ${OTHER}:\n      profile: dev\n`,
  );
  const again = await bench.run(`ecr setup ${OTHER}`, { env: bench.env });
  expect(again.stdout).toBe('nothing to change\n');
  expect(again.stderr).toContain(`you are ${user.arn}`);
  await bench.ok('ecr unset', { env: bench.env });
  expect(Object.keys(await bench.texts())).toEqual(['.aws/credentials']);
});

test('a registry of another account is set up with a word about it', async () => {
  await using bench = await setupBench();
  const { stderr, exitCode } = await bench.run(`ecr setup https://${OTHER}/`, { env: bench.env });
  expect(exitCode).toBe(0);
  expect(stderr).toContain(`${OTHER} is another account's, which has to let you in\n`);
});

test('a dry run shows what a real one does, and does nothing', async () => {
  const files = { 'config.json': `{"auths":{"${OWN}":{"auth":"${AUTH}"}}}` };
  await using bench = await setupBench(files);
  await bench.lima.setStatus('Running');
  const dry = await bench.ok('ecr setup --dry-run', { env: bench.env });
  expect(await bench.texts()).toEqual(files);
  expect((await readdir(bench.home)).toSorted()).toEqual(['config.json']);
  expect(await actsOf(bench.lima)).toEqual([]);
  const again = await bench.run('ecr setup --dry-run', { env: bench.env });
  expect(again.stderr).toContain('would restart the virtual machine\n');
  expect(await bench.ok('ecr setup', { env: bench.env })).toBe(dry);
  expect(dry).toContain(`-{"auths":{"${OWN}":"…"}}\n`);
  expect(dry.includes(AUTH)).toBe(false);
});

test('who has no region has to name the registry', async () => {
  await using bench = await setupBench();
  const env = { ...bench.env, AWS_REGION: '', AWS_DEFAULT_REGION: '' };
  expectError(
    await bench.fails('ecr setup', { env }),
    'nothing says in which region your registry is',
    /^hint: name the registry, .* or set AWS_REGION$/,
  );
  expect(await bench.texts()).toEqual({});
  await bench.ok('ecr setup --public', { env });
  expect(JSON.parse((await bench.texts())['config.json'] ?? '')).toEqual({
    credHelpers: { 'public.ecr.aws': 'ecr-login' },
  });
});

test.each([
  ['another registry', 'ecr setup ghcr.io', '"ghcr.io" is no registry of Amazon ECR'],
  [
    'a name that only begins like one',
    `ecr unset ${OWN}.example.com`,
    /is no registry of Amazon ECR$/,
  ],
])('%s is refused before anything is done', async (_, line, message) => {
  await using bench = await setupBench();
  expectError(await bench.fails(line, { env: bench.env }), message, /^hint: /);
  expect(await bench.texts()).toEqual({});
  expect(bench.aws.log).toEqual([]);
});

test('nothing is written for keys that AWS does not take', async () => {
  await using bench = await setupBench();
  const env = { ...bench.env, AWS_SECRET_ACCESS_KEY: `${AWS_SECRET_CANARY}wrong` };
  expectError(await bench.fails('ecr setup', { env }), /./, /^hint: /);
  expect(await bench.texts()).toEqual({});
});

test.each([
  ['finch.yaml', 'cpus: [3\n', /finch\.yaml:\d+:\d+: this is not YAML: /],
  ['finch.yaml', 'a: 1\ncreds_helpers: none\n', /finch\.yaml:2:16: "creds_helpers" is not a list$/],
  ['finch.yaml', 'memory: 4GiB\n    - ecr-login\n', /finch\.yaml:2:5: "- ecr-login" belongs to /],
  ['finch.yaml', 'a: 1\n---\n', /finch\.yaml:2:1: a second document begins/],
  [
    'finch.yaml',
    `ecr: {registries: {a: {profil: b}}}`,
    /finch\.yaml:1:32: "profil" is unknown here/,
  ],
  ['config.json', '{"auths": ', /config\.json:1:\d+: this is not JSON/],
  [
    'config.json',
    '"credsStore": "ecr-login"\n',
    /config\.json is not JSON: the braces .* missing$/,
  ],
])('a broken %s is named with its place, and nothing is written', async (name, text, message) => {
  await using bench = await setupBench({ [name]: text });
  expectError(await bench.fails('ecr setup', { env: bench.env }), message, /^hint: /);
  expect(await bench.texts()).toEqual({ [name]: text });
});

test('nothing is written when the helper cannot be installed', async () => {
  const files = { 'cred-helpers': '' };
  await using bench = await setupBench(files);
  const { stderr, exitCode } = await bench.run('ecr setup', { env: bench.env });
  expect(exitCode).toBe(1);
  expectError(
    stderr,
    /^finch: cannot write .*: something else has that name$/,
    /^hint: check it with: ls -ld/,
  );
  expect(await bench.texts()).toEqual(files);
});

test('two profiles one after the other do not hide the one of the user', async () => {
  await using bench = await setupBench();
  const { accessKeyId, secretAccessKey } = bench.aws.addUser({ account: ACCOUNT, name: 'bob' });
  const keys = `aws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;
  const profiles = ['x', 'a', 'b'].map((name) => `[${name}]\n${keys}`).join('');
  await Bun.write(join(bench.home, '.aws/credentials'), profiles);
  const yaml = `ecr:\n  registries:\n    ${OWN}:\n      profile: x\n`;
  await Bun.write(join(bench.home, 'finch.yaml'), yaml);
  const { env } = bench;
  await bench.ok(`ecr setup --profile a ${OWN}`, { env });
  await bench.ok(`ecr setup --profile b ${OWN} ${OTHER}`, { env });
  await bench.ok(`ecr unset ${OWN}`, { env });
  expect((await bench.texts())['finch.yaml']).toStartWith(yaml);
});

test('a machine that does not start again is an error that says what Lima said', async () => {
  await using bench = await setupBench();
  await bench.lima.setStatus('Running');
  await bench.lima.fail('start', 'the disk is full\n');
  const { stderr, exitCode } = await bench.run('ecr setup', { env: bench.env });
  expect(exitCode).toBe(1);
  expect(stderr).toContain('lima: the disk is full\n');
  expectError(stderr, 'cannot start the virtual machine: the disk is full', /^hint: /);
  expect((await bench.texts())['finch.yaml']).toBe('creds_helpers:\n  - ecr-login\n');
  await bench.lima.mend('start');
  expect(await bench.ok('ecr setup', { env: bench.env })).toBe('nothing to change\n');
  expect(await bench.lima.status()).toBe('Running');
  const start = 'start --tty=false finch';
  expect(await actsOf(bench.lima)).toEqual(['stop finch', start, 'stop --force finch', start]);
});

test('two at once set up both registries', async () => {
  await using bench = await setupBench({ 'finch.yaml': YAML });
  const hosts = [OWN, OTHER, 'public.ecr.aws'];
  await Promise.all(hosts.map((host) => bench.ok(`ecr setup ${host}`, { env: bench.env })));
  const { credHelpers } = JSON.parse((await bench.texts())['config.json'] ?? '');
  expect(Object.keys(credHelpers).toSorted()).toEqual(hosts.toSorted());
  await bench.ok('ecr unset', { env: bench.env });
  expect(await bench.texts()).toEqual({ 'finch.yaml': YAML });
  expect(await readdir(bench.home)).not.toContain('cred-helpers');
});

test.each(['finch.yaml.lock', 'config.json.lock', 'ecr-setup.json', 'cred-helpers'])(
  'killed when there is %s, it can be done again and taken back to the byte',
  async (sign) => {
    const files = { 'config.json': CONFIG, 'finch.yaml': YAML };
    await using bench = await setupBench(files);
    const setup = Bun.spawn([finchBinary, 'ecr', 'setup', '--public'], {
      env: finchEnvironment(bench.home, bench.env),
      ...{ stdout: 'ignore', stderr: 'ignore' },
    });
    while (setup.exitCode === null && !(await readdir(bench.home)).includes(sign)) await tick();
    setup.kill('SIGKILL');
    await setup.exited;
    const { 'config.json': json = '', 'finch.yaml': yaml = '' } = await bench.texts();
    expect([CONFIG.length < json.length, YAML.length < yaml.length]).toEqual([
      json !== CONFIG,
      yaml !== YAML,
    ]);
    await bench.ok('ecr setup --public', { env: bench.env });
    await bench.ok('ecr unset', { env: bench.env });
    expect(await bench.texts()).toEqual(files);
    expect(await readdir(bench.home)).not.toContain('cred-helpers');
  },
);

test('unset says so when nothing was set up', async () => {
  await using bench = await setupBench();
  const { stdout, stderr, exitCode } = await bench.run('ecr unset', { env: bench.env });
  expect({ stdout, stderr, exitCode }).toEqual({
    ...{ stdout: '', stderr: 'nothing was set up with: finch ecr setup\n', exitCode: 0 },
  });
});

/** The command lines of Lima that change something. */
async function actsOf(lima: FakeLimactl): Promise<readonly string[]> {
  return (await lima.calls()).filter((line) => !/^(?:ls|disk|validate|shell|--version)/.test(line));
}
