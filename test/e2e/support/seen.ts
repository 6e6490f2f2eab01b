import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { formsIn } from '../../canary/forms.ts';
import { type Watched, type WatchOptions, watched } from './watched.ts';
import type { Workbench } from './workbench.ts';

/** Whether a text gives the password away. */
export function gives(text: string): boolean {
  return formsIn(new TextEncoder().encode(text)).length > 0;
}

/** What there is to say of a run, without what it said. */
export interface Seen extends Pick<Watched, 'exitCode' | 'places' | 'programs'> {
  /** Whether stdout, where nobody asked for it, or stderr has the password. */
  readonly tells: boolean;
}

/** Runs finch at its highest log levels, and sees where it brings the password to. */
export async function watch(
  bench: Workbench,
  args: readonly string[],
  { env = {}, ...options }: Omit<WatchOptions, 'home'> = {},
): Promise<Seen> {
  const words = options.program === undefined ? ['--debug', ...args] : args;
  const { stdout, stderr, exitCode, places, programs } = await watched(words, {
    ...{ cwd: bench.folder, ...options, home: bench.home },
    env: { FINCH_DEBUG: bench.path('debug.log'), ...env },
  });
  const tells = gives(stderr) || (gives(stdout) && !places.includes('stdout'));
  return { exitCode, places, programs, tells };
}

/** A run that ends well and brings the password only to `places`. */
export function quiet(...places: readonly string[]): Seen {
  return { exitCode: 0, places, programs: [], tells: false };
}

/** A run that fails and brings the password only to `places`. */
export function failing(...places: readonly string[]): Seen {
  return { ...quiet(...places), exitCode: 1 };
}

/** The words of a login as `me`, whose password comes on stdin. */
export const login = (host: string) => ['login', '-u', 'me', '--password-stdin', host];

/** The files below a folder that hold the tests' password, each with its permission bits: `home/a 600`. */
export async function passwordFiles(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of (await readdir(folder, { recursive: true })).sort()) {
    const path = join(folder, name);
    const { mode, isFile } = await stat(path).then((it) => ({
      mode: it.mode,
      isFile: it.isFile(),
    }));
    if (!isFile || formsIn(await readFile(path)).length === 0) continue;
    found.push(`${name} ${(mode & 0o777).toString(8)}`);
  }
  return found;
}
