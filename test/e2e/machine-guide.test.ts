import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { aliasOf } from '../support/aws/repositories.ts';
import { type AwsStandIn, startAws } from '../support/aws/stand-in.ts';
import { canRunEngine } from '../support/engine/can-run-engine.ts';
import { type Engine, startEngine } from '../support/engine/start-engine.ts';
import { fakeLimactl } from '../support/fake-limactl.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { type GuideShell, openGuideShell } from './support/guide-shell.ts';
import { areHere } from './support/program.ts';

// The steps of the user guide for the credential helper of Amazon ECR, on both kinds of machines.
// https://runfinch.com/docs/managing-finch/linux/registry-authentication/

const ACCOUNT = '111222333444';
const REGION = 'eu-west-1';
const HOST = `${ACCOUNT}.dkr.ecr.${REGION}.amazonaws.com`;
const PUBLIC = `public.ecr.aws/${aliasOf(ACCOUNT)}/hello-finch`;

const YAML = 'cpus: 3\nmemory: 4GiB\ncreds_helpers:\n    - ecr-login\n';
const CONFIG = '{\n    "credsStore": "ecr-login"\n}\n';

const STOP_AND_START = `Stopping existing Finch virtual machine...
Finch virtual machine stopped successfully
Starting existing Finch virtual machine...
Finch virtual machine started successfully
`;

let aws: AwsStandIn;
beforeAll(async () => {
  aws = await startAws();
  aws.repositories.create({ account: ACCOUNT, region: REGION, name: 'hello-finch' });
  aws.repositories.create({ account: ACCOUNT, name: 'hello-finch', isPublic: true });
});
afterAll(() => aws[Symbol.asyncDispose]());

/** A shell beside a machine that runs. */
interface MachineShell extends GuideShell {
  /** What programs in the machine are told by its credential helper, asked as they ask it. */
  credentialFor(host: string): Promise<unknown>;
}

const machines: Readonly<Record<string, MachineKind>> = {
  native: {
    isHere: canRunEngine,
    status: 'Running (native)\n',
    yaml: 'vmType: native\n',
    open: openNative,
  },
  'of Lima': { isHere: true, status: 'Running\n', yaml: '', open: openLima },
};

interface MachineKind {
  readonly isHere: boolean;
  /** What `finch vm status` says. */
  readonly status: string;
  /** What its `finch.yaml` says before anything is set up. */
  readonly yaml: string;
  open(): Promise<MachineShell>;
}

for (const [name, machine] of Object.entries(machines)) {
  const canRun = machine.isHere && areHere('docker-registry', 'openssl', 'curl');
  describe.skipIf(!canRun)(`on a machine ${name}, the user guide`, () => {
    test('needs no login with ecr-login in both files and a restarted machine', async () => {
      await using shell = await machine.open();
      const yaml = machine.yaml + YAML;
      await Bun.write(join(shell.home, 'finch.yaml'), yaml);
      await Bun.write(join(shell.home, 'config.json'), CONFIG);
      const whoami = await shell.run('finch ecr whoami');
      expect(whoami.stdout).toContain(`"Account": "${ACCOUNT}"`);
      const restart = await shell.run('finch vm stop\nfinch vm start');
      expect(restart).toMatchObject({ stdout: '', exitCode: 0 });
      const installed = `installed ${shell.home}/cred-helpers/docker-credential-ecr-login\n`;
      expect(restart.stderr).toContain(installed);
      expect(withoutStages(restart.stderr)).toBe(STOP_AND_START);
      expect(await shell.run('finch vm status')).toMatchObject({ stdout: machine.status });
      await shell.pushes(`${HOST}/hello-finch:both`);
      await shell.pushes(`${PUBLIC}:both`);
      for (const server of [HOST, 'public.ecr.aws']) {
        expect(await shell.credentialFor(server)).toMatchObject({ Username: 'AWS' });
      }
      expect(await Bun.file(join(shell.home, 'finch.yaml')).text()).toBe(yaml);
      expect(await Bun.file(join(shell.home, 'config.json')).text()).toBe(CONFIG);
    });

    test('needs no login with ecr-login in finch.yaml alone: finch writes the other file', async () => {
      await using shell = await machine.open();
      await Bun.write(join(shell.home, 'finch.yaml'), machine.yaml + YAML);
      const restart = await shell.run('finch vm stop\nfinch vm start');
      expect(restart).toMatchObject({ stdout: '', exitCode: 0 });
      expect(restart.stderr).toContain(`wrote ${shell.home}/config.json, as creds_helpers`);
      expect(await Bun.file(join(shell.home, 'config.json')).json()).toEqual({
        credsStore: 'ecr-login',
      });
      await shell.pushes(`${HOST}/hello-finch:yaml`);
      const again = await shell.run('finch vm stop\nfinch vm start');
      expect(withoutStages(again.stderr)).toBe(STOP_AND_START);
      expect(again.stderr).not.toContain('wrote');
      await Bun.write(join(shell.home, 'finch.yaml'), machine.yaml);
      const without = await shell.run('finch vm stop\nfinch vm start');
      expect(without.stderr).toContain(`removed ${shell.home}/config.json`);
      expect(await Bun.file(join(shell.home, 'config.json')).exists()).toBe(false);
    });

    test('is one command', async () => {
      await using shell = await machine.open();
      if (machine.yaml !== '') await Bun.write(join(shell.home, 'finch.yaml'), machine.yaml);
      await shell.run('finch vm stop\nfinch vm start');
      const setup = await shell.run('finch ecr setup');
      expect(setup.exitCode).toBe(0);
      expect(setup.stderr).toMatch(/\nrestarting .*\n(?:.*\n)*restarted .*\n$/);
      expect(await shell.run('finch vm status')).toMatchObject({ stdout: machine.status });
      await shell.pushes(`${HOST}/hello-finch:setup`);
      expect(await shell.credentialFor(HOST)).toMatchObject({ Username: 'AWS' });
      const again = await shell.run('finch ecr setup');
      expect(again).toMatchObject({ exitCode: 0 });
      expect(again.stdout).toContain('nothing to change');
      const unset = await shell.run('finch ecr unset');
      expect(unset.exitCode).toBe(0);
      expect(await Bun.file(join(shell.home, 'config.json')).exists()).toBe(false);
    });

    test('says what is so already when a step is repeated', async () => {
      await using shell = await machine.open();
      if (machine.yaml !== '') await Bun.write(join(shell.home, 'finch.yaml'), machine.yaml);
      await shell.run('finch vm stop');
      const stopped = await shell.run('finch vm stop');
      expect(stopped).toMatchObject({ stdout: '', exitCode: 1 });
      expect(stopped.stderr).toBe(
        'finch: the instance "finch" is already stopped\nhint: start it with: finch vm start\n',
      );
      expect((await shell.run('finch vm start')).exitCode).toBe(0);
      const started = await shell.run('finch vm start');
      expect(started).toMatchObject({ stdout: '', exitCode: 1 });
      expect(started.stderr).toBe(
        'finch: the instance "finch" is already running\nhint: stop it with: finch vm stop\n',
      );
    });

    test.each([
      ['finch.yaml', 'creds_helpers: [ecr-login\n'],
      ['config.json', '{"credsStore":'],
    ])('starts nothing while %s is broken', async (file, text) => {
      await using shell = await machine.open();
      if (machine.yaml !== '') await Bun.write(join(shell.home, 'finch.yaml'), machine.yaml);
      await shell.run('finch vm stop');
      const before = await shell.run('finch vm status');
      await Bun.write(
        join(shell.home, file),
        machine.yaml.repeat(Number(file === 'finch.yaml')) + text,
      );
      const start = await shell.run('finch vm start');
      expect(start).toMatchObject({ stdout: '', exitCode: 1 });
      expect(start.stderr).toMatch(/^finch: .*\nhint: .*\n$/);
      expect(start.stderr).toContain(join(shell.home, file));
      await Bun.write(join(shell.home, file), file === 'finch.yaml' ? machine.yaml : '{}');
      expect(await shell.run('finch vm status')).toEqual(before);
    });
  });
}

describe.skipIf(!canRunEngine || !areHere('docker-registry', 'openssl'))('nerdctl itself', () => {
  test('pushes to Amazon ECR and pulls from it by the login that finch gives it', async () => {
    await using shell = await openNative();
    await Bun.write(join(shell.home, 'finch.yaml'), `vmType: native\n${YAML}`);
    const name = `${HOST}/hello-finch:nerdctl`;
    const { stderr, exitCode } = await shell.run(
      `
finch vm stop
finch vm start
export DOCKER_CONFIG=$FINCH_HOME/machine/docker PATH=$FINCH_HOME/machine/bin:$PATH
nerdctl load --quiet --all-platforms -i hello-finch.tar
nerdctl tag hello-finch:latest ${name}
nerdctl push --quiet --all-platforms ${name}
nerdctl rmi --force ${name} hello-finch:latest
nerdctl pull --quiet --all-platforms ${name}
nerdctl rmi --force ${name}
`,
      { SSL_CERT_FILE: aws.ca },
    );
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    const place = { account: ACCOUNT, region: REGION, name: 'hello-finch' };
    const images = [...(aws.repositories.find(place)?.images.values() ?? [])];
    expect(images.flatMap(({ tags }) => [...tags])).toContain('nerdctl');
  });
});

/** The lines of 5.3 of the command line's own messages: without what Lima does meanwhile and what is written. */
function withoutStages(text: string): string {
  return text.replace(/^(?!.*Finch virtual machine).*\n/gm, '');
}

let engine: Promise<{ readonly engine: Engine } & AsyncDisposable> | undefined;
afterAll(async () => (await engine)?.[Symbol.asyncDispose]());

/** One for all tests: they leave nothing in it. */
function startOnce() {
  engine ??= (async () => {
    const folder = await temporaryFolder();
    const started = await startEngine(folder.path);
    return {
      engine: started,
      async [Symbol.asyncDispose]() {
        await started[Symbol.asyncDispose]();
        await folder[Symbol.asyncDispose]();
      },
    };
  })();
  return engine;
}

async function openNative(): Promise<MachineShell> {
  const { env } = (await startOnce()).engine;
  const path = [env['PATH'] ?? ''];
  const shell = await openGuideShell(aws, { env, path, region: REGION });
  const machine = join(shell.home, 'machine');
  return {
    ...shell,
    async credentialFor(host) {
      const { credsStore } = await Bun.file(join(machine, 'docker/config.json')).json();
      const { stdout } = await shell.run(`printf ${host} | docker-credential-${credsStore} get`, {
        PATH: `${machine}/bin:${process.env['PATH']}`,
        DOCKER_CONFIG: join(machine, 'docker'),
      });
      return JSON.parse(stdout);
    },
  };
}

async function openLima(): Promise<MachineShell> {
  const folder = await temporaryFolder();
  const lima = await fakeLimactl(folder.path);
  await lima.setStatus('Running');
  const env = { LIMA_HOME: lima.limaHome };
  const shell = await openGuideShell(aws, { env, path: [lima.folder], region: REGION });
  const machine = join(shell.home, 'machine');
  return {
    ...shell,
    async credentialFor(host) {
      // The fake runs it here, where the socket is that Lima forwards.
      const helper = `FINCH_SOCKET=${machine}/creds.sock ${machine}/guest/docker-credential-finch`;
      const { stdout } = await shell.run(
        `printf ${host} | limactl shell finch sudo -E env ${helper} get`,
      );
      return JSON.parse(stdout);
    },
    async [Symbol.asyncDispose]() {
      await shell[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}
