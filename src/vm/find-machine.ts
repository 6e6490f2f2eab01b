import { homedir } from 'node:os';
import { finchYamlPath, readFinchYaml } from '../config/finch-yaml.ts';
import type { MachineSettings } from '../config/machine-settings.ts';
import { findLimactl } from './lima/find-limactl.ts';
import type { Machine } from './machine.ts';
import { machineFolder } from './machine-folder.ts';
import { isSamePlace, type MachinePlace, readStarted, remembered } from './started-machine.ts';

/** Around which the machine is looked for. */
export interface FindMachineOptions {
  /** finch's own folder. */
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What it is to be; asked whenever it is started. */
  readonly readSettings: () => Promise<MachineSettings>;
  /** Where Finch may be installed. Default: around this program, and where its installers put it. */
  readonly installs?: readonly string[];
}

/**
 * Where containers are built and run: what runs since finch has started it, whatever `finch.yaml` says by now; else
 * this Linux where `finch.yaml` says so, else what Lima runs, else this Linux. Where there is neither, a machine that
 * does not exist, and cannot be made before Lima is installed. Of `finch.yaml` no other faults are found here than
 * those in what chooses the machine.
 * @throws FinchError `CONFIG_INVALID`, `IO`; `VM` when `finch.yaml` names a `limactl` that is none
 */
export async function findMachine(options: FindMachineOptions): Promise<Machine> {
  const started = await readStarted(options.home);
  if (started === undefined) return openMachine(await wantedPlace(options), options);
  const running = await openMachine(started, options);
  if (!(await running.isUp())) return openMachine(await wantedPlace(options), options);
  // A file that is wrong by now keeps nobody from ending what runs.
  const wanted = await wantedPlace(options).catch(() => started);
  if (wanted === undefined || !isSamePlace(wanted, started)) return outdated(running);
  return openMachine(wanted, options);
}

/** The place of the machine that the next start is about; undefined where there can be none. */
async function wantedPlace(options: FindMachineOptions): Promise<MachinePlace | undefined> {
  const { home, env, installs } = options;
  const path = finchYamlPath(home);
  const isLinux = process.platform === 'linux';
  const { vmType, limactl } = await readFinchYaml(path, { only: ['vmType', 'limactl'] });
  if (isLinux && vmType === 'native') return { kind: 'native' };
  const lima = findLimactl({ env, finchHome: home, limactl, installs });
  if (lima !== undefined) return { kind: 'lima', lima };
  return isLinux ? { kind: 'native' } : undefined;
}

async function openMachine(
  place: MachinePlace | undefined,
  options: FindMachineOptions,
): Promise<Machine> {
  const { home, env, readSettings } = options;
  if (place === undefined) {
    const { missingLima } = await import('./lima/missing-lima.ts');
    return missingLima();
  }
  if (place.kind === 'native') {
    const { nativeMachine } = await import('./native/native-machine.ts');
    return remembered(nativeMachine({ home, env }), place, home);
  }
  const { limaMachine } = await import('./lima/lima-machine.ts');
  const { lima } = place;
  const machine = limaMachine({ lima, home, env, readSettings, host: hostOf(options) });
  return remembered(machine, place, home);
}

/** One that `finch.yaml` asks for no more. */
function outdated(machine: Machine): Machine {
  return {
    ...machine,
    async state(options) {
      const state = await machine.state(options);
      if (state.status !== 'Running') return state;
      return {
        ...state,
        reason: 'finch.yaml chooses another machine by now',
        hint: 'change over with: finch vm stop, and then: finch vm start',
      };
    },
    async stop(options) {
      await machine.stop(options);
      options.onStage('this machine is kept, to be seen again when finch.yaml chooses it again');
    },
  };
}

function hostOf({ home, env }: FindMachineOptions) {
  const { platform, arch } = process;
  return {
    ...{ arch, finchHome: home, socket: machineFolder(home).socket },
    os: platform === 'darwin' || platform === 'win32' ? platform : ('linux' as const),
    home: env['HOME'] || env['USERPROFILE'] || homedir(),
  };
}
