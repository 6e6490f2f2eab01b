import {
  chmod,
  constants,
  copyFile,
  link,
  lstat,
  mkdir,
  rename,
  rm,
  rmdir,
  stat,
  utimes,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemCode } from '../errors.ts';
import { ioError } from '../host/io-error.ts';
import type { SetupHelper } from './setup-record.ts';

/** Times that are set are kept less exactly than those of writing. */
const SAME_TIME_MS = 2;

/** Where this program is put as a credential helper for others. */
export interface HelperPlace {
  /** finch's own folder. */
  readonly home: string;
  /** This program; undefined when it runs from its source and is no file of its own. */
  readonly program: string | undefined;
}

/** What is there: `foreign` is a file that finch has not put there, and leaves; `absent`, what has to be put there. */
export type HelperState = 'absent' | 'present' | 'foreign';

/** The path at which helpers of finch's home are looked for. */
export function helperPath(home: string): string {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  return join(home, 'cred-helpers', `docker-credential-ecr-login${suffix}`);
}

/**
 * What there is at {@link helperPath}.
 * @param known what finch has put there, if anything
 * @throws FinchError `IO`
 */
export async function helperState(
  { home, program }: HelperPlace,
  known: SetupHelper | undefined,
): Promise<HelperState> {
  if (program === undefined) return 'present';
  const path = helperPath(home);
  const found = await statOf(path);
  if (found === undefined) return 'absent';
  const own = await stat(program).catch((error) => {
    throw ioError(error, 'read', program);
  });
  if (found.ino === own.ino && found.dev === own.dev) return 'present';
  if (!isKnown(found, known)) return 'foreign';
  return found.size === own.size ? 'present' : 'absent';
}

/**
 * What {@link installHelper} will have put there, so that it can be remembered first.
 * @throws FinchError `IO`
 */
export async function helperOf(home: string, program: string): Promise<SetupHelper> {
  try {
    const { size, mtimeMs } = await stat(program);
    return { path: helperPath(home), size, mtimeMs };
  } catch (error) {
    throw ioError(error, 'read', program);
  }
}

/**
 * Puts this program there: as a hard link, which takes no space, or else as a copy; never as a symbolic link, which
 * Finch's own engine refuses. What finch has put there before gives way.
 * https://github.com/runfinch/finch/blob/v1.18.0/pkg/credserver/utils_darwin.go
 * @throws FinchError `IO`
 */
export async function installHelper({ path }: SetupHelper, program: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await rm(path, { force: true });
    await link(program, path).catch((error: unknown) => {
      // Another finch that sets up at the same time was faster.
      return systemCode(error) === 'EEXIST' ? undefined : copyProgram(program, path);
    });
  } catch (error) {
    throw ioError(error, 'write', path);
  }
}

/** With the times of the original, by which it is known. */
async function copyProgram(program: string, path: string): Promise<void> {
  const { atime, mtime } = await stat(program);
  const copy = `${path}.new`;
  // A link of another by that name would lead the copy elsewhere.
  await rm(copy, { force: true });
  await copyFile(program, copy, constants.COPYFILE_EXCL);
  await chmod(copy, 0o700);
  await utimes(copy, atime, mtime);
  await rename(copy, path);
}

/**
 * Removes what {@link installHelper} has put there, and its folder if that is empty then.
 * @returns whether it was still that
 * @throws FinchError `IO`
 */
export async function removeHelper(known: SetupHelper): Promise<boolean> {
  const { path } = known;
  const found = await statOf(path);
  if (found === undefined) return true;
  if (!isKnown(found, known)) return false;
  try {
    await rm(path, { force: true });
    await rmdir(dirname(path)).catch(() => {});
    return true;
  } catch (error) {
    throw ioError(error, 'write', path);
  }
}

interface FileStats {
  readonly size: number;
  readonly mtimeMs: number;
  readonly ino: number;
  readonly dev: number;
}

function isKnown(found: FileStats, known: SetupHelper | undefined): boolean {
  if (known === undefined || found.size !== known.size) return false;
  return Math.abs(found.mtimeMs - known.mtimeMs) < SAME_TIME_MS;
}

async function statOf(path: string): Promise<FileStats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined;
    throw ioError(error, 'read', path);
  }
}
