import { accessSync, constants, lstatSync, type Stats, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { FinchError } from '../errors.ts';

/** Where a helper may be. */
export interface FindHelperOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** finch's own folder; its `cred-helpers` is looked at after PATH. */
  readonly home: string;
  /** Default: the one that this process runs on. */
  readonly platform?: NodeJS.Platform;
}

/** Where macOS has programs that the PATH of a window, or of a job at night, does not lead to. */
const MAC_FOLDERS = ['/opt/finch/bin', '/opt/homebrew/bin', '/usr/local/bin'];

/** Rights to write that are not the owner's. */
const OTHERS_WRITE = 0o022;

/**
 * The absolute path of `docker-credential-HELPER`: in an absolute folder of PATH, in finch's own
 * `cred-helpers`, or where macOS has it; first one that may be executed, else any. Undefined when there
 * is none.
 * @param helper a checked name
 */
export function findHelper(helper: string, options: FindHelperOptions): string | undefined {
  const paths = pathsOf(helper, options).filter((path) => statOf(path)?.isFile() === true);
  return paths.find(isExecutable) ?? paths[0];
}

/** The path of a symbolic link by the name of a helper that leads to nothing, as after a program has moved. */
export function brokenLink(helper: string, options: FindHelperOptions): string | undefined {
  return pathsOf(helper, options).find((path) => isLink(path) && statOf(path) === undefined);
}

/** Where a helper may be, in order. */
function pathsOf(helper: string, options: FindHelperOptions): readonly string[] {
  const { platform = process.platform } = options;
  const file = `docker-credential-${helper}${platform === 'win32' ? '.exe' : ''}`;
  return helperFolders(options).map((folder) => join(folder, file));
}

/** The folders in which helpers are looked for, in order. */
export function helperFolders({
  env,
  home,
  platform = process.platform,
}: FindHelperOptions): readonly string[] {
  return [
    // A part that is not absolute would lead into whatever folder finch is run in.
    ...(env['PATH'] ?? '').split(delimiter).filter(isAbsolute),
    ownFolder(home),
    ...(platform === 'darwin' ? MAC_FOLDERS : []),
  ];
}

/**
 * Checks that nobody but this user and root can change a helper in finch's own `cred-helpers`. What is on
 * PATH is run by everyone else too.
 * @throws FinchError `CREDENTIAL_STORE`
 */
export function assertOurHelper(path: string, { home }: { readonly home: string }): void {
  const own = ownFolder(home);
  if (!path.startsWith(join(own, '/')) || process.getuid === undefined) return;
  const trusted = [0, process.getuid()];
  for (const part of [path, own]) {
    const stats = statOf(part);
    const isOthers = stats !== undefined && !trusted.includes(stats.uid);
    const isOpen = stats === undefined || (stats.mode & OTHERS_WRITE) !== 0;
    if (!isOthers && !isOpen) continue;
    throw new FinchError('CREDENTIAL_STORE', `other users can change ${part}, so it is not run`, {
      hint: isOthers
        ? `make it your own with: chown "$USER" ${part}`
        : `forbid it with: chmod go-w ${part}`,
    });
  }
}

function ownFolder(home: string): string {
  return join(home, 'cred-helpers');
}

/** Of what a path leads to, through symbolic links; undefined when nobody may look there. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

/** Whether a path is a symbolic link; of what nobody may look at it is not. */
export function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
