import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { MachineSettings } from '../../config/machine-settings.ts';
import { writeFileAtomic } from '../../host/atomic-file.ts';
import { ioError } from '../../host/io-error.ts';
import type {
  ActOptions,
  CommandOptions,
  EndOptions,
  Machine,
  MachineCommand,
} from '../machine.ts';
import { machineFolder } from '../machine-folder.ts';
import { noMachine } from '../no-machine.ts';
import { checkSocketPaths } from './check-socket-paths.ts';
import { INSTANCE, instanceFolder, type Lima } from './find-limactl.ts';
import { describeDataDisk, prepareDataDisk, resizeDataDisk } from './lima-disk.ts';
import { HOST_ADDRESS, type LimaHost } from './lima-host.ts';
import { hasInstance, isHostAgentAlive, limaState, nonexistent } from './lima-state.ts';
import { checkLimaVersion } from './lima-version.ts';
import { endPendingStart } from './pending-start.ts';
import { askLimactl, limaEnvironment } from './run-limactl.ts';
import { END_MS, endByForce, startLima } from './start-lima.ts';
import { forgetUnfinished, isUnfinished, whileMaking } from './unfinished.ts';

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

const UNFINISHED =
  'wait for the finch that makes it, or begin anew with: finch vm init; finch vm remove --force removes what is left';

/** Finch's virtual machine, which Lima runs. Only one at a time may change it: callers have a lock. */
export function limaMachine(options: LimaMachineOptions): Machine {
  const { lima, home, env } = options;
  const folder = machineFolder(home).path;
  const undo = () => removeByForce(options);
  const state: Machine['state'] = async (abort = {}) => {
    if (isUnfinished(folder)) return nonexistent('its making has not come to an end', UNFINISHED);
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
      await endPendingStart(lima);
      const { status } = await limaState(lima, { env, ...act });
      // What is left of one that broke is in the way of the next start.
      if (status === 'Broken') await endByForce(lima, { env });
      await prepareDataDisk(lima, settings.dataDisk, { env, ...act });
      const { applySettings } = await import('./lima-apply.ts');
      const { onStage } = act;
      await applySettings(lima, { host: options.host, settings, onStage, env });
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
      resize(size, abort = {}) {
        return resizeDataDisk(lima, size, { env, ...abort, isUp: () => isHostAgentAlive(lima) });
      },
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
  const path = draftPath(home);
  try {
    const bytes = new TextEncoder().encode(limaText(document));
    await writeFileAtomic(path, bytes, { mode: 0o600 });
    await startLima(lima, [`--name=${INSTANCE}`, path], { ...options, ...act });
  } finally {
    await rm(path, { force: true });
  }
}

/** The document of a machine that is being made. */
function draftPath(home: string): string {
  return join(machineFolder(home).path, 'new-machine.yaml');
}

async function stop(
  { lima, env }: LimaMachineOptions,
  { force, onStage, ...abort }: EndOptions,
): Promise<void> {
  if (!hasInstance(lima)) throw noMachine();
  // Force asks nobody who may not answer.
  if (force || (await limaState(lima, { env, ...abort })).status === 'Broken') {
    return endByForce(lima, { env, ...abort });
  }
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
  if (force || (await limaState(lima, { env, ...abort })).status === 'Broken') {
    return removeByForce(options);
  }
  await askLimactl(lima, ['delete', INSTANCE], {
    ...{ env, ...abort, timeoutMs: END_MS },
    what: 'remove the virtual machine',
    hint: 'remove it in whatever state it is with: finch vm remove --force',
  });
}

/** Removes whatever there is of it. What Lima had only begun to make is a folder that Lima itself cannot remove. */
async function removeByForce({ lima, home, env }: LimaMachineOptions): Promise<void> {
  await endPendingStart(lima);
  if (hasInstance(lima)) {
    await askLimactl(lima, ['delete', '--force', INSTANCE], {
      ...{ env, timeoutMs: END_MS },
      what: 'remove the virtual machine',
      hint: `see what it says to: LIMA_HOME=${lima.home} ${lima.program} delete --force ${INSTANCE}`,
    });
  } else {
    const folder = instanceFolder(lima);
    await rm(folder, { recursive: true, force: true }).catch((error: unknown) => {
      throw ioError(error, 'write', folder);
    });
  }
  await rm(draftPath(home), { force: true });
  await forgetUnfinished(machineFolder(home).path);
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
    // limactl goes by this, which may be a way through a link.
    env: { ...limaEnvironment(lima, env), PWD: cwd },
    cwd,
  };
}
