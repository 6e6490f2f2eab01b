import { homedir } from 'node:os';
import type { MachineSettings } from '../config/machine-settings.ts';
import { findLimactl } from './lima/find-limactl.ts';
import type { Machine } from './machine.ts';
import { machineFolder } from './machine-folder.ts';

/** Around which the machine is looked for. */
export interface FindMachineOptions {
  /** finch's own folder. */
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What it is to be; asked now, and whenever it is started. */
  readonly readSettings: () => Promise<MachineSettings>;
  /** Where Finch may be installed. Default: around this program, and where its installers put it. */
  readonly installs?: readonly string[];
}

/**
 * Where containers are built and run: this Linux where `finch.yaml` says so, else what Lima runs, else this Linux.
 * Where there is neither, a machine that does not exist, and cannot be made before Lima is installed.
 * @throws FinchError `CONFIG_INVALID`, `IO`; `VM` when `finch.yaml` names a `limactl` that is none
 */
export async function findMachine(options: FindMachineOptions): Promise<Machine> {
  const { home, env, installs, readSettings } = options;
  const { isNative, limactl } = await readSettings();
  const lima = isNative ? undefined : findLimactl({ env, finchHome: home, limactl, installs });
  if (lima !== undefined) {
    const { limaMachine } = await import('./lima/lima-machine.ts');
    return limaMachine({ lima, home, env, readSettings, host: hostOf(options) });
  }
  if (process.platform === 'linux') {
    const { nativeMachine } = await import('./native/native-machine.ts');
    return nativeMachine({ home, env });
  }
  const { missingLima } = await import('./lima/lima-machine.ts');
  return missingLima();
}

function hostOf({ home, env }: FindMachineOptions) {
  const { platform, arch } = process;
  return {
    ...{ arch, finchHome: home, socket: machineFolder(home).socket },
    os: platform === 'darwin' || platform === 'win32' ? platform : ('linux' as const),
    home: env['HOME'] || env['USERPROFILE'] || homedir(),
  };
}
