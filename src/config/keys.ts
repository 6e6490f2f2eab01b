import { FinchError } from '../errors.ts';
import { nearest, quote } from '../text.ts';
import type { ConfigPath } from './config-value.ts';
import type { MachineSettings } from './machine-settings.ts';
import { formatSize } from './size.ts';

/** From when on a change counts: at once, when the machine starts next, or for a new machine. */
export type TakesEffect = 'now' | 'start' | 'init';

/** A key of `finch.yaml` as the user names it. */
export interface ConfigKey {
  /** With dots: `experimental.mountInotify`. */
  readonly name: string;
  readonly path: ConfigPath;
  readonly kind: 'text' | 'number' | 'flag' | 'list';
  readonly takesEffect: TakesEffect;
  /** What counts where `finch.yaml` does not say it, given the settings of an empty one; none where nothing does. */
  readonly standard: (settings: MachineSettings) => readonly string[];
}

type Row = readonly [
  name: string,
  kind: ConfigKey['kind'],
  takesEffect: TakesEffect,
  standard?: (settings: MachineSettings) => string,
];

const ROWS: readonly Row[] = [
  ['cpus', 'number', 'start', ({ cpus }) => String(cpus)],
  ['memory', 'text', 'start', ({ memory }) => formatSize(memory)],
  ['bootdisk', 'text', 'start', ({ bootDisk }) => formatSize(bootDisk)],
  ['datadisk', 'text', 'start', ({ dataDisk }) => formatSize(dataDisk)],
  ['additional_directories', 'list', 'start'],
  ['vmType', 'text', 'init', ({ vmType, isNative }) => (isNative ? 'native' : vmType)],
  ['rosetta', 'flag', 'init', ({ rosetta }) => String(rosetta)],
  ['vmnet', 'flag', 'start', ({ vmnet }) => String(vmnet)],
  ['auto_vm_start', 'flag', 'now', ({ autoStart }) => String(autoStart)],
  ['snapshotters', 'list', 'start'],
  ['creds_helpers', 'list', 'start'],
  ['dockercompat', 'flag', 'now', ({ dockerCompat }) => String(dockerCompat)],
  ['experimental.mountInotify', 'flag', 'start', ({ mountInotify }) => String(mountInotify)],
  ['limactl', 'text', 'now'],
];

/** Every key of `finch.yaml` but those of registries, whose names the user chooses. */
export const configKeys: readonly ConfigKey[] = ROWS.map(([name, kind, takesEffect, standard]) => ({
  ...{ name, path: name.split('.'), kind, takesEffect },
  standard: (settings) => (standard === undefined ? [] : [standard(settings)]),
}));

/** A host has dots of its own. */
const PROFILE_KEY = /^ecr\.registries\.(.+)\.profile$/;

/** The key of the AWS profile of a registry, or of a pattern of some. */
export function profileKey(host: string): ConfigKey {
  return {
    name: `ecr.registries.${host}.profile`,
    path: ['ecr', 'registries', host, 'profile'],
    kind: 'text',
    takesEffect: 'now',
    standard: () => [],
  };
}

/**
 * The key of a name.
 * @throws FinchError `USAGE` when finch knows none of it
 */
export function configKey(name: string): ConfigKey {
  const host = PROFILE_KEY.exec(name)?.[1];
  const known = host === undefined ? configKeys.find((key) => key.name === name) : profileKey(host);
  if (known !== undefined) return known;
  const near = nearest(
    name,
    configKeys.map((key) => key.name),
  );
  throw new FinchError('USAGE', `finch.yaml has no key ${quote(name)}`, {
    hint: near === undefined ? 'list the keys with: finch config list' : `did you mean "${near}"?`,
  });
}
