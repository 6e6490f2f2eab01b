import { mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  followLinks,
  removeTemporary,
  type StagedFile,
  stageFile,
  writeFileAtomic,
} from '../host/atomic-file.ts';
import { withFileLock } from '../host/file-lock.ts';
import { ioError } from '../host/io-error.ts';

/** A text file that is made, changed or removed. */
export interface FileChange {
  readonly path: string;
  /** Undefined when there is no such file. */
  readonly before: string | undefined;
  /** Undefined when it is to go. */
  readonly after: string | undefined;
}

/** Options of {@link changeFiles}. */
export interface ChangeFilesOptions {
  /** The locks by which other programs of finch are kept away meanwhile. */
  readonly locks: readonly string[];
  /** The text of a file as it is now; undefined when there is none. */
  readonly read: (path: string) => Promise<string | undefined>;
}

/**
 * Files that finch makes here hold what is the user's alone. What a killed process leaves of them goes with the
 * next look at the logins, as if they had been changed.
 */
const ACCESS = { mode: 0o600, keepsAccess: true, owner: 'login' } as const;

/**
 * Changes all of some files, or none: what fails midway is put back. Files that are replaced keep their mode, and
 * links stay. A crash leaves each file whole, but perhaps only the first ones changed.
 * @returns false when one of them is no more what it was `before`; then none is changed
 * @throws FinchError `IO`; the files are then as they were
 */
export async function changeFiles(
  changes: readonly FileChange[],
  { locks, read }: ChangeFilesOptions,
): Promise<boolean> {
  const [first, ...others] = locks;
  if (first !== undefined) {
    await makeFolder(dirname(first));
    return withFileLock(first, () => changeFiles(changes, { locks: others, read }));
  }
  await using stack = new AsyncDisposableStack();
  const staged = new Map<string, StagedFile>();
  for (const { path, after } of changes) {
    await removeTemporary(path, ACCESS).catch(() => {});
    if (after === undefined) continue;
    staged.set(path, stack.use(await stageFile(path, new TextEncoder().encode(after), ACCESS)));
  }
  // Other programs, editors among them, know no lock.
  for (const { path, before } of changes) if ((await read(path)) !== before) return false;
  const done: FileChange[] = [];
  try {
    for (const change of changes) {
      const file = staged.get(change.path);
      if (file === undefined) await removeFile(change.path);
      else file.publish();
      done.push(change);
    }
    return true;
  } catch (error) {
    for (const { path, before } of done.reverse()) {
      if (before === undefined) await removeFile(path);
      else await writeFileAtomic(path, new TextEncoder().encode(before), ACCESS);
    }
    throw error;
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw ioError(error, 'write', path);
  }
}

async function removeFile(path: string): Promise<void> {
  try {
    await rm(await followLinks(path), { force: true });
  } catch (error) {
    throw ioError(error, 'write', path);
  }
}
