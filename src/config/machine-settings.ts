import { ConfigFault } from './config-value.ts';
import type { FinchYaml, Snapshotter } from './finch-yaml-shape.ts';
import { formatSize } from './size.ts';

/** What the machine has on which finch runs. */
export interface HostSize {
  readonly os: 'linux' | 'darwin' | 'win32';
  /** As Node.js names it: `arm64`, `x64`. */
  readonly arch: string;
  readonly cpus: number;
  /** In bytes. */
  readonly memory: number;
  /** The first number of the version of macOS, `13`; undefined elsewhere, or when it is not known. */
  readonly macOsVersion?: number | undefined;
}

/** What runs a virtual machine. */
export type VmType = 'vz' | 'qemu' | 'wsl2';

/** What the machine is to be, by `finch.yaml` and by what this host has. */
export interface MachineSettings {
  /** Of the virtual machine, where one is used. */
  readonly vmType: VmType;
  /** Whether `finch.yaml` wants no virtual machine: containers run on this Linux itself. */
  readonly isNative: boolean;
  readonly cpus: number;
  /** In bytes, as all sizes. */
  readonly memory: number;
  readonly bootDisk: number;
  readonly dataDisk: number;
  /** Folders that it sees beside the home folder: absolute paths, or below `~`. */
  readonly additionalDirectories: readonly string[];
  readonly rosetta: boolean;
  readonly vmnet: boolean;
  readonly mountInotify: boolean;
  /** Those that are installed; new containers use the first. None for what the engine uses by itself. */
  readonly snapshotters: readonly Snapshotter[];
  readonly credsHelpers: readonly string[];
  readonly dockerCompat: boolean;
  /** Whether commands that need it start it. */
  readonly autoStart: boolean;
  /** Where the program of Lima is; undefined when it is to be looked for. */
  readonly limactl: string | undefined;
  /** What the user should know of these settings, a sentence each. */
  readonly notes: readonly string[];
}

const GIB = 1024 ** 3;
const MIN_CPUS = 2;
const MIN_MEMORY = 2 * GIB;
const BOOT_DISK = 100 * GIB;
const DATA_DISK = 50 * GIB;

/** The first macOS with a virtual machine of its own, and the first whose Rosetta knows Linux 6.18. */
const VZ_MACOS = 13;
const ROSETTA_MACOS = 26;

const SYSTEMS = {
  linux: { name: 'Linux', vmTypes: ['qemu', 'native'] },
  darwin: { name: 'macOS', vmTypes: ['vz', 'qemu'] },
  win32: { name: 'Windows', vmTypes: ['wsl2'] },
} as const;

/**
 * What the machine is to be: what `finch.yaml` says, and half of this host where it says nothing.
 * @throws ConfigFault when it says what this system does not have
 */
export function machineSettings(yaml: FinchYaml, host: HostSize): MachineSettings {
  const chosen = chosenVmType(yaml, host);
  const vmType = chosen === 'native' ? 'qemu' : chosen;
  const hasRosetta = vmType === 'vz' && host.arch === 'arm64';
  const settings = {
    vmType,
    isNative: chosen === 'native',
    cpus: yaml.cpus ?? Math.max(MIN_CPUS, Math.round(host.cpus / 2)),
    memory: yaml.memory ?? Math.max(MIN_MEMORY, Math.round(host.memory / 2)),
    bootDisk: yaml.bootdisk ?? BOOT_DISK,
    dataDisk: yaml.datadisk ?? DATA_DISK,
    additionalDirectories: yaml.additional_directories ?? [],
    rosetta: yaml.rosetta === true && hasRosetta,
    vmnet: yaml.vmnet === true && host.os === 'darwin',
    mountInotify: yaml.experimental?.mountInotify ?? false,
    snapshotters: yaml.snapshotters ?? [],
    credsHelpers: yaml.creds_helpers ?? [],
    dockerCompat: yaml.dockercompat ?? false,
    autoStart: yaml.auto_vm_start ?? true,
    limactl: yaml.limactl,
  };
  return { ...settings, notes: notesOn(settings, { yaml, host }) };
}

function chosenVmType({ vmType }: FinchYaml, { os, macOsVersion }: HostSize): VmType | 'native' {
  const { name, vmTypes } = SYSTEMS[os];
  const hasVz = os === 'darwin' && (macOsVersion === undefined || macOsVersion >= VZ_MACOS);
  if (vmType === undefined) return os === 'darwin' && !hasVz ? 'qemu' : vmTypes[0];
  const chosen = vmTypes.find((type) => type === vmType);
  if (chosen === undefined) {
    throw new ConfigFault(['vmType'], `unsupported vm type ${JSON.stringify(vmType)} for ${name}`, {
      hint: `on ${name} it may be: ${vmTypes.join(', ')}`,
    });
  }
  if (chosen === 'vz' && !hasVz) {
    const message =
      'system does not have virtualization framework support, change vmType to "qemu"';
    throw new ConfigFault(['vmType'], message, { hint: 'vz needs macOS 13 or later' });
  }
  return chosen;
}

function notesOn(
  {
    cpus,
    memory,
    rosetta,
    isNative,
  }: Pick<MachineSettings, 'cpus' | 'memory' | 'rosetta' | 'isNative'>,
  { yaml, host }: { readonly yaml: FinchYaml; readonly host: HostSize },
): readonly string[] {
  if (isNative || host.os === 'win32') return [];
  const notes: string[] = [];
  if (yaml.vmnet === true && host.os !== 'darwin')
    notes.push('vmnet does nothing here: it needs a Mac');
  const risk = 'which may lead to severe performance degradation';
  if (yaml.cpus !== undefined && cpus > host.cpus) {
    notes.push(
      `The specified number of CPUs (${cpus}) is greater than CPUs available on this system (${host.cpus}), ${risk}`,
    );
  }
  if (yaml.memory !== undefined && memory > host.memory) {
    notes.push(
      `The specified amount of memory (${formatSize(memory)}) is greater than the memory available on this system (${formatSize(host.memory)}), ${risk}`,
    );
  }
  if (yaml.rosetta === true && !rosetta) {
    notes.push('rosetta does nothing here: it needs a Mac with Apple silicon, and vmType: vz');
  } else if (rosetta && (host.macOsVersion ?? ROSETTA_MACOS) < ROSETTA_MACOS) {
    notes.push(
      `rosetta may not work: with the Linux of the virtual machine it needs macOS ${ROSETTA_MACOS} or later`,
    );
  }
  return notes;
}
