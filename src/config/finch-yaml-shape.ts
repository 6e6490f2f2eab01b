import { isAbsolute, posix, win32 } from 'node:path';
import { quote } from '../text.ts';
import {
  ConfigFault,
  type ConfigPath,
  fields,
  flag,
  integer,
  list,
  named,
  onlyFields,
  refined,
  type Shape,
  text,
} from './config-value.ts';
import { parseSize } from './size.ts';

/** What finch does differently at some registries. */
interface RegistrySettings {
  /** Whose AWS credentials are used there, as the files of the AWS CLI name them. */
  readonly profile: string | undefined;
}

/** What finch does differently at Amazon ECR. */
interface EcrSettings {
  /** By patterns of hosts, in which `*` stands for any characters. */
  readonly registries: ReadonlyMap<string, RegistrySettings> | undefined;
}

/** How containers get their file systems. */
export type Snapshotter = 'overlayfs' | 'soci';

/**
 * What `finch.yaml` says. A key that finch does not know is no fault, it may be another version's; only of a
 * registry there is none but those here, as the wrong credentials would be used.
 */
export interface FinchYaml {
  readonly cpus?: number | undefined;
  /** In bytes, as all sizes. */
  readonly memory?: number | undefined;
  readonly bootdisk?: number | undefined;
  readonly datadisk?: number | undefined;
  /** Folders that the virtual machine sees beside the home folder: absolute paths, or below `~`. */
  readonly additional_directories?: readonly string[] | undefined;
  readonly rosetta?: boolean | undefined;
  readonly vmnet?: boolean | undefined;
  /** Not checked: which there are depends on the system. */
  readonly vmType?: string | undefined;
  readonly auto_vm_start?: boolean | undefined;
  /** Those that are installed. New containers use the first. */
  readonly snapshotters?: readonly Snapshotter[] | undefined;
  /** The credential helpers that the virtual machine uses. */
  readonly creds_helpers?: readonly string[] | undefined;
  readonly dockercompat?: boolean | undefined;
  readonly experimental?: { readonly mountInotify?: boolean | undefined } | undefined;
  /** Where the program of Lima is, an absolute path. */
  readonly limactl?: string | undefined;
  readonly ecr?: EcrSettings | undefined;
}

const ROLE_HINT =
  'put the role into a profile of ~/.aws/config, and name that here, as: profile: NAME';

const GIB = 1024 ** 3;

const cpus = refined(integer, (count, path) => {
  if (count > 0) return count;
  const message = `specified number of CPUs (${count}) must be greater than 0`;
  throw new ConfigFault(path, message, { hint: 'write for example: cpus: 4' });
});

/** A size in bytes, which may be written as a number of them. */
function size(name: string, what: string, moreThanGib: number): Shape<number> {
  const written: Shape<string> = (value, path) =>
    text(Number.isSafeInteger(value) ? String(value) : value, path);
  const hint = `write for example: ${name}: ${moreThanGib === 0 ? 4 : 60}GiB`;
  return refined(written, (size, path) => {
    const bytes = parseSize(size);
    if (bytes === undefined) {
      const message = `failed to parse ${name} to uint: invalid size: ${quote(size)}`;
      throw new ConfigFault(path, message, { hint });
    }
    if (bytes > moreThanGib * GIB) return bytes;
    const message = `specified ${what} (${size}) must be greater than ${moreThanGib}GiB`;
    throw new ConfigFault(path, message, { hint });
  });
}

const snapshotter = refined(text, (name, path): Snapshotter => {
  if (name === 'overlayfs' || name === 'soci') return name;
  const hint = 'the snapshotters are: overlayfs, soci';
  throw new ConfigFault(path, `snapshotter ${quote(name)} is not supported`, { hint });
});

/** What no virtual machine can have in the place of its own. */
const SYSTEM_FOLDERS: ReadonlySet<string> = new Set([
  ...['/', '/bin', '/dev', '/etc', '/home', '/opt', '/sbin', '/tmp', '/usr', '/var'],
]);

/** A folder of this machine, without `.` and `..` in it, nor a slash at its end. */
const folder = refined(text, (written, place) => {
  const isBelowHome = written === '~' || written.startsWith('~/');
  // Windows has paths of its own.
  const isPosix = isBelowHome || written.startsWith('/');
  const path = isPosix ? posix.normalize(written).replace(/(?<=.)\/$/, '') : written;
  if (SYSTEM_FOLDERS.has(path)) {
    throw new ConfigFault(place, `${quote(written)} is a folder of the system`, {
      hint: 'name folders below it, for example /srv/data',
    });
  }
  if (!isBelowHome) return absolute(path, place);
  if (/^~(?:\/|$)/.test(path)) return path;
  throw new ConfigFault(place, `${quote(written)} leads out of the home folder`, {
    hint: 'write the path from the root on, as pwd shows it',
  });
});

function absolute(path: string, place: ConfigPath): string {
  if (isAbsolute(path) || win32.isAbsolute(path)) return path;
  throw new ConfigFault(place, `${quote(path)} is not an absolute path`, {
    hint: 'write the path from the root on, as pwd shows it',
  });
}

/** Finch takes a map with one key, and its own examples show the path alone. */
const directory: Shape<string> = (value, path) =>
  typeof value === 'string' ? folder(value, path) : pathOf(value, path)?.path;

const pathOf = fields<{ readonly path: string | undefined }>({ path: folder });

/** Every key that finch knows. */
export const finchYamlShape = fields<FinchYaml>({
  cpus,
  memory: size('memory', 'amount of memory', 0),
  bootdisk: size('bootdisk', 'size of boot disk', 10),
  datadisk: size('datadisk', 'size of datadisk', 10),
  additional_directories: list(directory),
  rosetta: flag,
  vmnet: flag,
  vmType: text,
  auto_vm_start: flag,
  snapshotters: list(snapshotter),
  creds_helpers: list(text),
  dockercompat: flag,
  experimental: fields<{ readonly mountInotify: boolean | undefined }>({ mountInotify: flag }),
  limactl: refined(text, absolute),
  ecr: fields<EcrSettings>({
    registries: named(onlyFields<RegistrySettings>({ profile: text }, { role_arn: ROLE_HINT })),
  }),
});
