import { renameSync } from 'node:fs';
import { open, readdir, readlink, realpath, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { systemCode } from '../errors.ts';
import { ioError } from './io-error.ts';

/** Options of {@link writeFileAtomic} and {@link stageFile}. */
export interface AtomicFileOptions {
  /** Permission bits of the file, before the user's umask. Default: 0o644. */
  readonly mode?: number;
  /** Who writes, without a `-` in it, to stand in the name of the temporary file. Default: nobody. */
  readonly owner?: string;
}

/** A file that is written and on disk, but not yet under its name. Disposing of it removes it unless it was published. */
export interface StagedFile extends AsyncDisposable {
  /** Where the bytes are until {@link StagedFile.publish}. */
  readonly temporaryPath: string;
  /**
   * Gives the file its name, in place of what had it. At once, so that it can happen under a lock. Once it
   * has its name, this does nothing.
   * @throws FinchError `IO`
   */
  publish(): void;
}

/** How the temporary files of {@link stageFile} begin, for whoever clears away those of processes that were killed. */
export const TEMPORARY_PREFIX = '.finch-';

/**
 * Replaces the file at `path` with `bytes`: whoever reads it, also after a crash, finds all of the old
 * or all of the new. A symbolic link stays, and what it points at is replaced. The folder must exist.
 * A disk that does not confirm the new name in it fails nothing: after a power cut it may be the old file.
 * @throws FinchError `IO`; the old file is then as it was
 */
export async function writeFileAtomic(
  path: string,
  bytes: Uint8Array,
  options: AtomicFileOptions = {},
): Promise<void> {
  await using staged = await stageFile(path, bytes, options);
  staged.publish();
  await syncFolder(dirname(staged.temporaryPath)).catch(() => {});
}

/**
 * Removes the temporary files that killed processes left when they wrote the file at `path`. Only for
 * who knows that no process of that `owner` is writing it.
 * @throws the system's error
 */
export async function removeTemporary(path: string, { owner }: { owner: string }): Promise<void> {
  for (const left of await temporaryFiles(path, { owner })) await rm(left, { force: true });
}

/**
 * The temporary files beside the one that `path` names or links to, of one `owner`.
 * @throws the system's error
 */
export async function temporaryFiles(
  path: string,
  { owner }: { owner: string },
): Promise<readonly string[]> {
  const folder = dirname(await followLinks(path));
  const names = await readdir(folder);
  return names
    .filter((name) => name.startsWith(`${TEMPORARY_PREFIX}${owner}-`))
    .map((name) => join(folder, name));
}

/**
 * Writes `bytes` to a temporary file beside the one that `path` names or links to.
 * @throws FinchError `IO`
 */
export async function stageFile(
  path: string,
  bytes: Uint8Array,
  { mode = 0o644, owner }: AtomicFileOptions = {},
): Promise<StagedFile> {
  let temporaryPath: string | undefined;
  try {
    const target = await followLinks(path);
    const name = `${owner === undefined ? '' : `${owner}-`}${crypto.randomUUID()}.tmp`;
    temporaryPath = join(dirname(target), `${TEMPORARY_PREFIX}${name}`);
    await writeNew(temporaryPath, bytes, mode);
    return staged(temporaryPath, target);
  } catch (error) {
    if (temporaryPath !== undefined) await rm(temporaryPath, { force: true });
    throw ioError(error, 'write', path);
  }
}

/** Puts the names of a folder's files on disk: after this, a file that was renamed into it survives a crash. */
export async function syncFolder(path: string): Promise<void> {
  // Windows has no handle on a folder that could be flushed.
  if (process.platform === 'win32') return;
  try {
    await using handle = await open(path, 'r');
    await handle.sync();
  } catch (error) {
    throw ioError(error, 'write', path);
  }
}

function staged(temporaryPath: string, target: string): StagedFile {
  let published = false;
  return {
    temporaryPath,
    publish() {
      if (published) return;
      try {
        renameSync(temporaryPath, target);
        published = true;
      } catch (error) {
        throw ioError(error, 'write', target);
      }
    },
    async [Symbol.asyncDispose]() {
      if (!published) await rm(temporaryPath, { force: true });
    },
  };
}

async function writeNew(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  await using handle = await open(path, 'wx', mode);
  await handle.writeFile(bytes);
  await handle.sync();
}

/** The file that `path` means in the end, which need not exist. */
async function followLinks(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
  try {
    return await followLinks(resolve(dirname(path), await readlink(path)));
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'EINVAL') return path;
    throw error;
  }
}
