import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { MachineSettings } from '../../config/machine-settings.ts';
import { FinchError } from '../../errors.ts';
import { writeFileAtomic } from '../../host/atomic-file.ts';
import type {
  ActOptions,
  CommandOptions,
  EndOptions,
  Machine,
  MachineCommand,
} from '../machine.ts';
import { machineFolder } from '../machine-folder.ts';
import { checkSocketPaths } from './check-socket-paths.ts';
import { INSTANCE, instanceFolder, type Lima } from './find-limactl.ts';
import { describeDataDisk, prepareDataDisk, resizeDataDisk } from './lima-disk.ts';
import type { LimaHost } from './lima-host.ts';
import { hasInstance, isHostAgentAlive, limaState, nonexistent } from './lima-state.ts';
import { checkLimaVersion, installHint } from './lima-version.ts';
import { askLimactl, limaEnvironment } from './run-limactl.ts';
import { END_MS, endByForce, startLima } from './start-lima.ts';
import { undoUnfinished, whileMaking } from './unfinished.ts';

/** What {@link limaMachine} goes to work with. */
export interface LimaMachineOptions {
  readonly lima: Lima;
  /** finch's own folder. */
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly host: LimaHost;
  /** What the machine is to be; asked whenever it is started. */
  readonly readSettings: () => Promise<MachineSettings>;
  /** How long a start may take, in milliseconds. Default: a minute more than Lima gives itself, which is ten. */
  readonly startMs?: number;
}

/** By it programs of a machine that Lima runs reach this one's loopback. https://lima-vm.io/docs/config/network/user */
const HOST_ADDRESS = '192.168.5.2';

/** Finch's virtual machine, which Lima runs. */
export function limaMachine(options: LimaMachineOptions): Machine {
  const { lima, home, env } = options;
  const folder = machineFolder(home).path;
  const undo = () => removeByForce(options);
  const state: Machine['state'] = async (abort = {}) => {
    if ((await undoUnfinished({ folder, undo })) === 'making') {
      return nonexistent('another finch is making it: wait, and see: finch vm status');
    }
    return limaState(lima, { env, ...abort });
  };
  return {
    kind: 'lima',
    hostAddress: HOST_ADDRESS,
    state,
    isUp: () => isHostAgentAlive(lima),
    async init(act) {
      const settings = await preparedSettings(options, act);
      checkSocketPaths(lima, machineFolder(home));
      await whileMaking({ folder, undo }, () => make(options, settings, act));
    },
    async start(act) {
      const settings = await preparedSettings(options, act);
      const { status } = await limaState(lima, { env, ...act });
      // What is left of one that broke is in the way of the next start.
      if (status === 'Broken') await endByForce(lima, { env });
      await prepareDataDisk(lima, settings.dataDisk, { env, ...act });
      const { applySettings } = await import('./lima-apply.ts');
      const { onStage } = act;
      await applySettings(lima, { host: options.host, settings, onStage });
      try {
        await startLima(lima, [INSTANCE], { ...options, ...act });
      } catch (error) {
        await endByForce(lima, { env }).catch(() => {});
        throw error;
      }
    },
    stop: (end) => stop(options, end),
    remove: (end) => remove(options, end),
    command: (words, command) => commandIn(options, words, command),
    disk: {
      describe: (abort = {}) => describeDataDisk(lima, { env, ...abort }),
      resize: (size, abort = {}) => resizeDataDisk(lima, size, { env, ...abort }),
    },
  };
}

/** The settings of a Lima that is fit for them. */
async function preparedSettings(
  { lima, env, readSettings }: LimaMachineOptions,
  { onStage, signal }: ActOptions,
): Promise<MachineSettings> {
  const settings = await readSettings();
  for (const note of settings.notes) onStage(note);
  await checkLimaVersion(lima, { env, ...(signal && { signal }) });
  return settings;
}

async function make(
  options: LimaMachineOptions,
  settings: MachineSettings,
  act: ActOptions,
): Promise<void> {
  const { lima, home, env } = options;
  const { limaDocument, limaText } = await import('./lima-document.ts');
  const document = limaDocument(settings, options.host);
  await prepareDataDisk(lima, settings.dataDisk, { env, ...act });
  await rm(instanceFolder(lima), { recursive: true, force: true });
  const path = join(machineFolder(home).path, 'new-machine.yaml');
  try {
    const bytes = new TextEncoder().encode(limaText(document));
    await writeFileAtomic(path, bytes, { mode: 0o600 });
    await startLima(lima, [`--name=${INSTANCE}`, path], { ...options, ...act });
  } finally {
    await rm(path, { force: true });
  }
}

async function stop(
  { lima, env }: LimaMachineOptions,
  { force, onStage, ...abort }: EndOptions,
): Promise<void> {
  const { status } = await limaState(lima, { env, ...abort });
  if (status === 'Nonexistent') throw noMachine();
  if (force || status === 'Broken') return endByForce(lima, { env, ...abort });
  await askLimactl(lima, ['stop', INSTANCE], {
    ...{ env, ...abort, timeoutMs: END_MS },
    what: 'stop the virtual machine',
    hint: 'end it without waiting with: finch vm stop --force',
  });
}

async function remove(
  options: LimaMachineOptions,
  { force, onStage, ...abort }: EndOptions,
): Promise<void> {
  const { lima, env } = options;
  const { status } = await limaState(lima, { env, ...abort });
  if (force || status === 'Broken') return removeByForce(options);
  await askLimactl(lima, ['delete', INSTANCE], {
    ...{ env, ...abort, timeoutMs: END_MS },
    what: 'remove the virtual machine',
    hint: 'remove it in whatever state it is with: finch vm remove --force',
  });
}

/** Removes whatever there is of it. What Lima had only begun to make is a folder that Lima itself cannot remove. */
async function removeByForce({ lima, env }: LimaMachineOptions): Promise<void> {
  if (!hasInstance(lima)) return await rm(instanceFolder(lima), { recursive: true, force: true });
  await askLimactl(lima, ['delete', '--force', INSTANCE], {
    ...{ env, timeoutMs: END_MS },
    what: 'remove the virtual machine',
    hint: `see what it says to: LIMA_HOME=${lima.home} ${lima.program} delete --force ${INSTANCE}`,
  });
}

function noMachine(): FinchError {
  return new FinchError('VM', 'the instance "finch" does not exist', {
    hint: 'make it with: finch vm init',
  });
}

/** limactl finds the folder itself: it goes where it was called, if the machine sees that, else to the home folder. */
function commandIn(
  { lima, env }: LimaMachineOptions,
  words: readonly string[],
  { env: variables, cwd }: CommandOptions,
): MachineCommand {
  const socket = `/run/user/${process.getuid?.() ?? 1000}/finch-creds.sock`;
  const pairs = Object.entries({ FINCH_SOCKET: socket, ...variables });
  const inside = ['sudo', '-E', 'env', ...pairs.map(([name, value]) => `${name}=${value}`)];
  return {
    program: lima.program,
    args: ['shell', INSTANCE, ...inside, ...words],
    env: limaEnvironment(lima, env),
    cwd,
  };
}

/** In place of the machine where Lima is missing: there is none, and none can be made. */
export function missingLima(platform: NodeJS.Platform = process.platform): Machine {
  const hint = installHint(platform);
  const fail = () => {
    throw new FinchError('VM', 'there is no virtual machine: limactl is not installed', {
      hint: `registries and images need none; to build and run containers, ${hint}`,
    });
  };
  return {
    kind: 'lima',
    hostAddress: HOST_ADDRESS,
    state: async () => nonexistent(`limactl is not installed: ${hint}`),
    isUp: async () => false,
    init: async () => fail(),
    start: async () => fail(),
    stop: async () => fail(),
    remove: async () => fail(),
    command: fail,
  };
}
