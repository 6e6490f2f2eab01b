import { chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { helloElf } from '../demo/elf.ts';
import { GREETING, writeHelloFinch } from '../demo/hello-finch.ts';
import { CANARY } from '../support/canary.ts';
import {
  finch,
  finchFails,
  inMachine,
  interrupt,
  killHostAgent,
  type MachineUser,
  machineProcesses,
} from './machine-user.ts';
import { expectThat, type Step } from './steps.ts';

const MACHINE = { cpus: 2, memory: '2GiB', bootdisk: '12GiB', datadisk: '12GiB' };
const BUILT = 'built in the machine\n';

/** What a user of finch does with a machine, from its making to its end. */
export function guideSteps(one: MachineUser): readonly Step[] {
  const { home, limactl } = one;
  const helper = join(home, '.finch/machine/guest/docker-credential-finch');
  const status = (word: string) => async () => {
    const said = await finch(one, 'vm', 'status');
    expectThat(said === `${word}\n`, said);
  };
  const ask = (command: string) => `echo registry.example | ${command}`;
  return [
    ['finch.yaml, a login, an image and what to build', () => prepare(one)],
    ['before: Nonexistent', status('Nonexistent')],
    ['vm init', () => quietly(finch(one, 'vm', 'init'))],
    ['vm status: Running', status('Running')],
    [
      'vm status --format json',
      async () => {
        const said: unknown = JSON.parse(await finch(one, 'vm', 'status', '--format', 'json'));
        const { Status, CPUs, VMType } = said as Readonly<Record<string, unknown>>;
        expectThat(Status === 'Running' && CPUs === MACHINE.cpus && VMType === 'qemu', said);
      },
    ],
    [
      'vm init of one that runs is refused',
      async () => {
        const said = await finchFails(one, 1, 'vm', 'init');
        expectThat(said.includes('already running'), said);
      },
    ],
    ['ps and info', () => quietly(finch(one, 'ps'), finch(one, 'info'))],
    ['a login of the host answers in the machine', answers(one, ask(`${helper} get`))],
    ['and to its root, which the engine is', answers(one, ask(`sudo ${helper} get`))],
    [
      'but to nobody else there',
      async () => {
        const socket = 'FINCH_SOCKET=/run/user/$(id -u)/finch-creds.sock';
        const said = await inMachine(one, ask(`sudo -u nobody ${socket} ${helper} get`));
        expectThat(!said.includes(CANARY) && said.includes('credentials not found'), said);
      },
    ],
    [
      'and nothing but get is answered',
      async () => {
        const said = await inMachine(one, ask(`${helper} store`));
        expectThat(said.includes('not implemented'), said);
      },
    ],
    [
      'run of an image that only finch has',
      async () => {
        const said = await finch(one, 'run', '--rm', '--net', 'none', 'hello-finch');
        expectThat(said === GREETING, said);
      },
    ],
    ['build, whose result is in finch at once', () => build(one)],
    [
      'its exit status and its error are the engine’s',
      async () => {
        const said = await finchFails(one, 1, 'exec', 'no-such-container', 'true');
        expectThat(said.includes('no such container'), said);
      },
    ],
    ['vm stop', () => quietly(finch(one, 'vm', 'stop'))],
    ['vm status: Stopped', status('Stopped')],
    ['no process is left', noProcess(one)],
    ['images are listed without the machine', () => listed(one)],
    ['vm start that is interrupted', () => interrupt(one, 'waiting for ssh', 'vm', 'start')],
    ['vm status: Stopped', status('Stopped')],
    ['no process is left', noProcess(one)],
    ['vm start', () => quietly(finch(one, 'vm', 'start'))],
    [
      'run of what was built before',
      async () => {
        const said = await finch(one, 'run', '--rm', '--net', 'none', 'built:1');
        expectThat(said === BUILT, said);
      },
    ],
    ['a crash of Lima’s own program', () => killHostAgent(one)],
    ['vm status: Broken', status('Broken')],
    ['vm stop', () => quietly(finch(one, 'vm', 'stop'))],
    ['vm status: Stopped', status('Stopped')],
    ['vm stop --force of one that is stopped', () => quietly(finch(one, 'vm', 'stop', '--force'))],
    ['vm remove', () => quietly(finch(one, 'vm', 'remove'))],
    ['after: Nonexistent', status('Nonexistent')],
    ['no process is left', noProcess(one)],
    [
      'the data disk stays, and nobody holds it',
      async () => {
        const said = await finch(one, 'vm', 'disk', 'info');
        expectThat(/^finch +12GiB .*\S +$|^finch +12GiB .*_disks\/finch *$/m.test(said), said);
      },
    ],
  ];

  async function prepare({ user }: MachineUser): Promise<void> {
    const yaml = Object.entries({ ...MACHINE, limactl }).map(
      ([key, value]) => `${key}: ${value}\n`,
    );
    const auth = Buffer.from(`tester:${CANARY}`).toString('base64');
    const context = join(home, 'context');
    await mkdir(context);
    await writeHelloFinch(join(home, 'hello-finch.tar'));
    const files = {
      '.finch/finch.yaml': yaml.join(''),
      '.finch/config.json': JSON.stringify({ auths: { 'registry.example': { auth } } }),
      'context/Dockerfile': 'FROM scratch\nCOPY --chmod=755 hello /\nENTRYPOINT ["/hello"]\n',
      'context/hello': helloElf('amd64', BUILT),
    };
    for (const [name, content] of Object.entries(files)) {
      const path = join(home, name);
      await writeFile(path, content, { mode: 0o600 });
      if (user !== undefined) await chown(path, user.uid, user.gid);
    }
    if (user !== undefined) await chown(context, user.uid, user.gid);
    await finch(one, 'load', '-q', '-i', 'hello-finch.tar');
  }
}

function answers(one: MachineUser, script: string) {
  return async () => {
    const said = await inMachine(one, script);
    // Not what it says instead: that may be half of the secret.
    expectThat(said.includes(JSON.stringify(CANARY)), 'there was no login in the answer');
  };
}

async function build(one: MachineUser): Promise<void> {
  await finch(one, 'build', '-t', 'built:1', 'context');
  await listed(one);
}

async function listed(one: MachineUser): Promise<void> {
  const said = await finch(one, 'images', '--format', '{{.Repository}}:{{.Tag}} {{.Platform}}');
  expectThat(said.split('\n').includes('built:1 linux/amd64'), said);
}

function noProcess(one: MachineUser) {
  return async () => {
    const left = await machineProcesses(one);
    expectThat(left.length === 0, left);
  };
}

async function quietly(...all: readonly Promise<unknown>[]): Promise<void> {
  await Promise.all(all);
}
