import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/** Where Finch's Linux packages have programs of their own. */
const FINCH_FOLDER = '/usr/libexec/finch';

/** Where services of the system are, which the PATH of a user may not lead to. */
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin'];

/** The nerdctl of this machine. */
export interface Nerdctl {
  /** An absolute path. */
  readonly program: string;
  /** What it has to be run with so that it finds its own settings and BuildKit. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * The nerdctl that is run: that of PATH, or else the one of Finch's packages with the files that come with it.
 * Undefined when there is none.
 * https://github.com/runfinch/finch/blob/v1.18.0/cmd/finch/nerdctl_native.go
 */
export function findNerdctl(env: Environment): Nerdctl | undefined {
  const onPath = findProgram('nerdctl', env);
  if (onPath !== undefined) return { program: onPath, env: {} };
  const packaged = join(FINCH_FOLDER, 'nerdctl');
  if (!isProgram(packaged)) return undefined;
  const settings = {
    NERDCTL_TOML: env['NERDCTL_TOML'] || '/etc/finch/nerdctl/nerdctl.toml',
    BUILDKIT_HOST: env['BUILDKIT_HOST'] || 'unix:///var/lib/finch/buildkit/buildkitd.sock',
  };
  return { program: packaged, env: settings };
}

/** The absolute path of a program on PATH; undefined when there is none. */
export function findProgram(name: string, env: Environment): string | undefined {
  const folders = (env['PATH'] ?? '').split(delimiter).filter(isAbsolute);
  return folders.map((folder) => join(folder, name)).find(isProgram);
}

/** Whether containerd is installed here, on PATH or where services are. */
export function hasContainerd(env: Environment): boolean {
  if (findProgram('containerd', env) !== undefined) return true;
  return SYSTEM_FOLDERS.some((folder) => isProgram(join(folder, 'containerd')));
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
