import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdir, symlink } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { writeHelloFinch } from '../demo/hello-finch.ts';
import { awsClis } from '../support/aws/python-programs.ts';
import { aliasOf } from '../support/aws/repositories.ts';
import { type AwsStandIn, startAws } from '../support/aws/stand-in.ts';
import { fakeLimactl } from '../support/fake-limactl.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { finchBinary, finchEnvironment } from './support/finch.ts';
import { areHere } from './support/program.ts';

// The page of the user guide about Amazon ECR, its command lines as they are printed there, in a shell.
// https://runfinch.com/docs/managing-finch/linux/registry-authentication/

const ACCOUNT = '111222333444';
const REGION = 'eu-west-1';
const HOST = `${ACCOUNT}.dkr.ecr.${REGION}.amazonaws.com`;

const PUBLIC = `public.ecr.aws/${aliasOf(ACCOUNT)}/hello-finch`;

describe.skipIf(!areHere('docker-registry', 'openssl'))('the user guide', () => {
  let aws: AwsStandIn;
  beforeAll(async () => {
    aws = await startAws();
    aws.repositories.create({ account: ACCOUNT, region: REGION, name: 'hello-finch' });
    aws.repositories.create({ account: ACCOUNT, name: 'hello-finch', isPublic: true });
  });
  afterAll(() => aws[Symbol.asyncDispose]());

  for (const [name, program] of Object.entries(awsClis)) {
    test(`logs in with the password that ${name} gets, and pushes`, async () => {
      await using shell = await openShell(aws, { aws: program });
      const login = await shell.run(`
export AWS_ACCOUNT_ID=${ACCOUNT}
export AWS_REGION=${REGION}
aws ecr get-login-password --region $AWS_REGION | finch login --username AWS --password-stdin $AWS_ACCOUNT_ID.dkr.ecr.$AWS_REGION.amazonaws.com
`);
      expect(login).toMatchObject({ stdout: 'Login Succeeded\n', exitCode: 0 });
      // Who logs in explicitly needs no keys any more.
      await shell.pushes(`${HOST}/hello-finch:${name.length}`, {
        AWS_ACCESS_KEY_ID: '',
        AWS_SECRET_ACCESS_KEY: '',
      });
    });
  }

  test.skipIf(Object.keys(awsClis).length === 0)(
    'logs in to ECR Public with the password that the AWS CLI gets, and pushes',
    async () => {
      await using shell = await openShell(aws, { aws: Object.values(awsClis)[0] ?? '' });
      // As it is printed there it is Docker Hub that would get the password.
      const printed =
        'aws ecr-public get-login-password --region us-east-1 | finch login --username AWS --password-stdin';
      const refused = await shell.run(printed);
      expect(refused.exitCode).toBe(1);
      expect(refused.stderr).toContain('finch login -u AWS --password-stdin public.ecr.aws');
      const login = await shell.run(`${printed} public.ecr.aws`);
      expect(login).toMatchObject({ stdout: 'Login Succeeded\n', exitCode: 0 });
      await shell.pushes(`${PUBLIC}:1`);
    },
  );

  test('is the same with finch in place of the AWS CLI', async () => {
    await using shell = await openShell(aws);
    const login = await shell.run(`
finch ecr login-password --region ${REGION} | finch login --username AWS --password-stdin ${HOST}
finch ecr login-password --public | finch login --username AWS --password-stdin public.ecr.aws
`);
    expect(login).toMatchObject({ stdout: 'Login Succeeded\nLogin Succeeded\n', exitCode: 0 });
    await shell.pushes(`${HOST}/hello-finch:finch`);
  });

  test('needs no login with ecr-login in both files and a restarted machine', async () => {
    await using shell = await openShell(aws);
    await Bun.write(
      join(shell.home, 'finch.yaml'),
      'cpus: 3\nmemory: 4GiB\ncreds_helpers:\n    - ecr-login\n',
    );
    await Bun.write(join(shell.home, 'config.json'), '{\n    "credsStore": "ecr-login"\n}\n');
    const steps = await shell.run(
      'finch ecr whoami\nfinch vm stop\nfinch vm start\nfinch vm status\n',
    );
    expect(steps.exitCode).toBe(0);
    expect(steps.stdout).toContain(`"Account": "${ACCOUNT}"`);
    expect(steps.stdout).toEndWith('\nRunning\n');
    await shell.pushes(`${HOST}/hello-finch:both`);
    await shell.pushes(`${PUBLIC}:both`);
    const login = await shell.run('finch login public.ecr.aws');
    expect(login).toMatchObject({ stdout: 'Login Succeeded\n', exitCode: 0 });
    expect(await Bun.file(join(shell.home, 'config.json')).text()).toBe(
      '{\n    "credsStore": "ecr-login"\n}\n',
    );
  });

  test('is one command', async () => {
    await using shell = await openShell(aws);
    const setup = await shell.run('finch ecr setup');
    expect(setup.exitCode).toBe(0);
    expect(await shell.askedOfLima()).toContain('start --tty=false finch');
    await shell.pushes(`${HOST}/hello-finch:setup`);
    const again = await shell.run('finch ecr setup');
    expect(again).toMatchObject({ exitCode: 0 });
    expect(again.stdout).toContain('nothing to change');
  });
});

/** A shell of somebody who has an image, keys of AWS, and a machine of Lima that runs. */
interface Shell extends AsyncDisposable {
  readonly home: string;
  run(
    script: string,
    env?: Readonly<Record<string, string>>,
  ): Promise<{ readonly stdout: string; readonly stderr: string; readonly exitCode: number }>;
  /** Pushes the image by this name, and sees that it is there. */
  pushes(name: string, env?: Readonly<Record<string, string>>): Promise<void>;
  /** The command lines that Lima was called with. */
  askedOfLima(): Promise<readonly string[]>;
}

async function openShell(
  stand: AwsStandIn,
  programs: Readonly<Record<string, string>> = {},
): Promise<Shell> {
  const folder = await temporaryFolder();
  const [bin, home] = [join(folder.path, 'bin'), join(folder.path, 'home')];
  await Promise.all([bin, home].map((path) => mkdir(path)));
  await symlink(finchBinary, join(bin, 'finch'));
  for (const [name, path] of Object.entries(programs)) await symlink(path, join(bin, name));
  const lima = await fakeLimactl(join(folder.path, 'lima'));
  await lima.setStatus('Running');
  const image = await writeHelloFinch(join(folder.path, 'hello-finch.tar'));
  const usual = {
    ...finchEnvironment(home, stand.environment(stand.addUser())),
    AWS_REGION: REGION,
    PATH: [bin, lima.folder, process.env['PATH']].join(delimiter),
  };
  const run: Shell['run'] = async (script, env = {}) => {
    const child = Bun.spawn(['bash', '-e', '-o', 'pipefail', '-c', script], {
      cwd: folder.path,
      env: { ...usual, ...env },
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
    });
    const [stdout, stderr, exitCode] = await Promise.all([
      child.stdout.text(),
      child.stderr.text(),
      child.exited,
    ]);
    return { stdout, stderr, exitCode };
  };
  const loaded = await run('finch load -i hello-finch.tar');
  if (loaded.exitCode !== 0) throw new Error(loaded.stderr);
  return {
    home,
    run,
    async pushes(name, env) {
      const { stdout, stderr, exitCode } = await run(
        `finch tag hello-finch:latest ${name}\nfinch push ${name}`,
        env,
      );
      const error = stderr.split('\n').filter((line) => /^(?:finch|hint|warning):/.test(line));
      expect({ error, exitCode }).toMatchObject({ exitCode: 0 });
      expect(stdout).toBe(`${name}: digest: ${image.root.digest} size: ${image.root.size}\n`);
    },
    askedOfLima: () => lima.calls(),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}
