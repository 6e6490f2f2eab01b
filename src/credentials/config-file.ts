import { constants } from 'node:fs';
import { access, mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FinchError, systemCode } from '../errors.ts';
import {
  followLinks,
  removeTemporary,
  stageFile,
  syncFolder,
  temporaryFiles,
} from '../host/atomic-file.ts';
import { ioError } from '../host/io-error.ts';
import { isJsonObject, type JsonObject } from '../oci/json.ts';
import { applyEdits, type JsonEdit } from './json-edit.ts';
import { findJsonFault } from './json-fault.ts';

/** No `config.json` is larger than this: 1 MiB. */
const MAX_CONFIG_FILE_BYTES = 1024 * 1024;

/** Who writes, in the names of temporary files, which hold passwords too. */
const OWNER = 'login';

/** How often a change is begun again because another program was faster. */
const MAX_TRIES = 10;

/** What a file begins with that finch makes, or finds empty. */
const NEW_FILE = '{}\n';

/** A `config.json` as it stands. */
interface ConfigFile {
  readonly config: JsonObject;
  readonly text: string;
}

/**
 * The contents of a `config.json` as docker, podman and finch share it; no file is an empty one. What
 * a killed process left of a change is removed.
 * https://github.com/docker/cli/blob/v28.3.3/cli/config/configfile/file.go
 * @throws FinchError `CONFIG_INVALID` when it is broken, `IO` when it cannot be read
 */
export async function readConfigFile(path: string): Promise<JsonObject> {
  await forgetKilledLogins(path);
  return (await read(path)).config;
}

/**
 * Changes a `config.json` at once: whoever reads it finds the old file or the new one. What no edit
 * names stays as it is, byte for byte (see {@link applyEdits}), and so do the file's mode and, where that
 * is possible, its owner; a new file is for this user only. Behind a symbolic link it is the file that
 * changes. Two processes that change it at the same time do so one after the other, and `edit` gets
 * what the other one wrote. When that leaves nothing to do, nothing is written.
 * @param edit may be called more than once
 * @throws FinchError `CONFIG_INVALID`, `IO`; the file is then as it was
 */
export async function editConfigFile(
  path: string,
  edit: (config: JsonObject) => readonly JsonEdit[],
): Promise<void> {
  // Without the lock first, so that what fails or changes nothing leaves no trace.
  if ((await edited(path, edit)) === undefined) return await forgetKilledLogins(path);
  const { withFileLock } = await import('../host/file-lock.ts');
  await withFileLock(await configFileLock(path), async () => {
    await removeTemporary(path, { owner: OWNER }).catch(() => {});
    for (let tries = 1; !(await tryToEdit(path, edit, { isLast: tries === MAX_TRIES })); tries++);
  });
}

/** Whether the file has its new contents; not when another program has written it meanwhile. */
async function tryToEdit(
  path: string,
  edit: (config: JsonObject) => readonly JsonEdit[],
  { isLast }: { isLast: boolean },
): Promise<boolean> {
  const change = await edited(path, edit);
  if (change === undefined) return true;
  const options = { mode: 0o600, keepsAccess: true, owner: OWNER };
  await using staged = await stageFile(path, change.bytes, options);
  // docker and podman do not know the lock, and their logins must not be lost either.
  if (!isLast && (await readText(path)) !== change.text) return false;
  staged.publish();
  await syncFolder(dirname(staged.temporaryPath)).catch(() => {});
  return true;
}

/**
 * Whether others than its owner may read the file. Windows has no such bits, and there it is false.
 * @throws FinchError `IO`
 */
export async function openToOthers(path: string): Promise<boolean> {
  if (process.platform === 'win32') return false;
  try {
    return ((await stat(path)).mode & 0o044) !== 0;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw ioError(error, 'read', path);
  }
}

/** What a file has and what it is to have, or undefined when that is the same. */
async function edited(
  path: string,
  edit: (config: JsonObject) => readonly JsonEdit[],
): Promise<{ readonly text: string; readonly bytes: Uint8Array } | undefined> {
  const { config, text } = await read(path);
  const edits = edit(config);
  if (edits.length === 0) return undefined;
  const result = applyTo(text, edits, path);
  if (result === text) return undefined;
  const bytes = new TextEncoder().encode(result);
  if (bytes.length > MAX_CONFIG_FILE_BYTES) throw invalid(path, 'would be larger than 1 MiB');
  return { text, bytes };
}

function applyTo(text: string, edits: readonly JsonEdit[], path: string): string {
  try {
    return applyEdits(text.trim() === '' ? NEW_FILE : text, edits);
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw invalid(path, `cannot be changed: ${cause.message}`, cause);
  }
}

/**
 * The lock of the file that `path` leads to, in its folder, which is made where it is missing.
 * @throws FinchError `IO`
 */
export async function configFileLock(path: string): Promise<string> {
  try {
    const target = await followLinks(path);
    const folder = dirname(target);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await access(folder, constants.W_OK);
    return lockOf(target);
  } catch (error) {
    throw ioError(error, 'write', path);
  }
}

/**
 * Removes what killed processes left of a change. Who holds the lock is the only one that writes; while
 * somebody else holds it, it is their task.
 */
async function forgetKilledLogins(path: string): Promise<void> {
  try {
    if ((await temporaryFiles(path, { owner: OWNER })).length === 0) return;
    const lock = lockOf(await followLinks(path));
    const { withFileLock } = await import('../host/file-lock.ts');
    await withFileLock(lock, () => removeTemporary(path, { owner: OWNER }), { patienceMs: 0 });
  } catch {
    // A folder that may only be read is no reason not to read the file in it.
  }
}

function lockOf(target: string): string {
  return `${target}.lock`;
}

async function read(path: string): Promise<ConfigFile> {
  const text = await readText(path);
  if (text.trim() === '') return { config: {}, text };
  // Editors of Windows begin a file with a byte order mark.
  const json = text.replace(/^\ufeff/, '');
  let config: unknown;
  try {
    config = JSON.parse(json);
  } catch (cause) {
    const fault = findJsonFault(json);
    if (fault === undefined) throw invalid(path, 'cannot be read as JSON', cause);
    if (findJsonFault(`{${json}}`) === undefined) {
      throw new FinchError(
        'CONFIG_INVALID',
        `${path} is not JSON: the braces around it are missing`,
        {
          hint: 'put a line { before its first line, and a line } behind its last one',
        },
      );
    }
    const { line, column, expected } = fault;
    throw invalid(`${path}:${line}:${column}:`, `this is not JSON, expected ${expected}`);
  }
  if (!isJsonObject(config)) throw invalid(path, 'is not a JSON object');
  return { config, text };
}

async function readText(path: string): Promise<string> {
  const file = Bun.file(path);
  try {
    const stats = await stat(path);
    // A pipe would be read for ever, and a device replaced.
    if (!stats.isFile() && !stats.isDirectory()) throw invalid(path, 'is no regular file');
    const bytes = await file.slice(0, MAX_CONFIG_FILE_BYTES + 1).bytes();
    if (bytes.length > MAX_CONFIG_FILE_BYTES) throw invalid(path, 'is larger than 1 MiB');
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return '';
    if (error instanceof TypeError) throw invalid(path, 'is not UTF-8 text', error);
    throw ioError(error, 'read', path);
  }
}

function invalid(path: string, what: string, cause?: unknown): FinchError {
  return new FinchError('CONFIG_INVALID', `${path} ${what}`, {
    hint: 'correct the file, or move it away and log in again',
    cause,
  });
}
