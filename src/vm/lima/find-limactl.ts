import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { FinchError } from '../../errors.ts';
import { installFolder } from '../../host/own-program.ts';

/** One `limactl`, and the folder in which it keeps its machines. */
export interface Lima {
  readonly program: string;
  /** Its `LIMA_HOME`. */
  readonly home: string;
}

/** Around which a `limactl` is looked for. */
export interface FindLimactlOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Finch's own folder. */
  readonly finchHome: string;
  /** The program that `finch.yaml` names; undefined when it names none. */
  readonly limactl: string | undefined;
  /** Where Finch may be installed. Default: around this program, and where its installers put it. */
  readonly installs?: readonly string[] | undefined;
}

/** What Finch calls its machine. */
export const INSTANCE = 'finch';

/** Where Lima keeps what it knows of finch's machine. */
export function instanceFolder({ home }: Pick<Lima, 'home'>): string {
  return join(home, INSTANCE);
}

/**
 * The `limactl` to use: the one that `finch.yaml` names, else that of an installed Finch, else that of PATH, each
 * with the machines of `LIMA_HOME` where that is set. One that has finch's machine comes before one that has not.
 * Undefined when there is none.
 * @throws FinchError `VM` when `finch.yaml` names what is no program
 */
export function findLimactl(options: FindLimactlOptions): Lima | undefined {
  const { limactl, finchHome, env } = options;
  const home = env['LIMA_HOME'] || join(finchHome, 'lima');
  if (limactl !== undefined) {
    if (isProgram(limactl)) return { program: limactl, home };
    throw new FinchError('VM', `limactl is not at ${limactl}, which finch.yaml names`, {
      hint: 'correct limactl in finch.yaml, or remove it there to let finch look for it',
    });
  }
  const found = [...installed(options), ...onPath(env, home)].filter(({ program }) =>
    isProgram(program),
  );
  return found.find((lima) => existsSync(join(instanceFolder(lima), 'lima.yaml'))) ?? found[0];
}

const FILE = process.platform === 'win32' ? 'limactl.exe' : 'limactl';

function installed({ env, installs = usualInstalls() }: FindLimactlOptions): readonly Lima[] {
  return installs.map((folder) => ({
    program: join(folder, 'lima/bin', FILE),
    home: env['LIMA_HOME'] || join(folder, 'lima/data'),
  }));
}

function onPath(env: FindLimactlOptions['env'], home: string): readonly Lima[] {
  const folders = (env['PATH'] ?? '').split(delimiter).filter(isAbsolute);
  return folders.map((folder) => ({ program: join(folder, FILE), home }));
}

/** The folders that have `bin/finch` and `lima/bin/limactl`. */
function usualInstalls(): readonly string[] {
  const folder = installFolder();
  const own = folder === undefined ? [] : [folder];
  if (process.platform === 'darwin') return [...own, '/Applications/Finch'];
  if (process.platform === 'win32') return [...own, 'C:\\Program Files\\Finch'];
  return own;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
