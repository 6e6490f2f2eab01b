import { renameSync, type Stats } from 'node:fs';
import { type FileHandle, open, readdir, readlink, realpath, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { ByteStream } from '../content.ts';
import { systemCode } from '../errors.ts';
import { ioError } from './io-error.ts';

/** Options of {@link writeFileAtomic} and {@link stageFile}. */
export interface AtomicFileOptions {
  /** Permission bits of the file, before the user's umask. Default: 0o644. */
  readonly mode?: number;
  /** Whether a file that is replaced keeps its permission bits and, where that is possible, its owner. */
  readonly keepsAccess?: boolean;
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
  const target = await followLinks(path);
  const folder = dirname(target);
  const prefix = ownPrefix(owner, target);
  const names = await readdir(folder);
  return names.filter((name) => name.startsWith(prefix)).map((name) => join(folder, name));
}

/** Files that lie in one folder have temporary files that can be told apart, however long their names are. */
function ownPrefix(owner: string, target: string): string {
  return `${TEMPORARY_PREFIX}${owner}-${Bun.hash(basename(target)).toString(36)}-`;
}

/**
 * Writes `bytes` to a temporary file beside the one that `path` names or links to.
 * @throws FinchError `IO`, and what the stream throws; the temporary file is then gone
 */
export async function stageFile(
  path: string,
  bytes: Uint8Array | ByteStream,
  { mode = 0o644, keepsAccess = false, owner }: AtomicFileOptions = {},
): Promise<StagedFile> {
  let temporaryPath: string | undefined;
  try {
    const target = await followLinks(path);
    const prefix = owner === undefined ? TEMPORARY_PREFIX : ownPrefix(owner, target);
    temporaryPath = join(dirname(target), `${prefix}${crypto.randomUUID()}.tmp`);
    const replaced = keepsAccess ? await statIfThere(target) : undefined;
    await writeNew(temporaryPath, bytes, { mode, replaced });
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

async function writeNew(
  path: string,
  bytes: Uint8Array | ByteStream,
  { mode, replaced }: { mode: number; replaced: Stats | undefined },
): Promise<void> {
  await using handle = await open(path, 'wx', replaced === undefined ? mode : 0o600);
  if (bytes instanceof Uint8Array) await handle.writeFile(bytes);
  else for await (const piece of bytes) await writePiece(handle, piece);
  if (replaced !== undefined) await copyAccess(handle, replaced);
  await handle.sync();
}

async function writePiece(handle: FileHandle, piece: Uint8Array): Promise<void> {
  for (let done = 0; done < piece.length; ) {
    done += (await handle.write(piece, done)).bytesWritten;
  }
}

/** Gives a file the owner and the permissions of another one, or less where its group cannot be kept. */
async function copyAccess(handle: FileHandle, { uid, gid, mode }: Stats): Promise<void> {
  const own = await handle.stat();
  const hasGroup = own.gid === gid || (await succeeds(handle.chown(own.uid, gid)));
  if (own.uid !== uid) await succeeds(handle.chown(uid, hasGroup ? gid : own.gid));
  await succeeds(handle.chmod(mode & (hasGroup ? 0o777 : 0o707)));
}

/** Whether it does; where it does not, the file stays for this user alone. */
function succeeds(change: Promise<void>): Promise<boolean> {
  return change.then(
    () => true,
    () => false,
  );
}

async function statIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * The file that `path` means in the end, behind all symbolic links. It need not exist.
 * @throws the system's error
 */
export async function followLinks(path: string): Promise<string> {
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
