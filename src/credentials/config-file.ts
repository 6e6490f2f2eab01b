import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FinchError, systemCode } from '../errors.ts';
import { removeTemporary, temporaryFiles, writeFileAtomic } from '../host/atomic-file.ts';
import { withFileLock } from '../host/file-lock.ts';
import { ioError } from '../host/io-error.ts';
import type { JsonObject } from '../oci/json.ts';
import { isExactObject, parseExactJson } from './exact-json.ts';
import { jsonFaultLine } from './json-fault.ts';

/** No `config.json` is larger than this: 1 MiB. */
const MAX_CONFIG_FILE_BYTES = 1024 * 1024;

/** Who writes, in the names of temporary files, which hold passwords too. */
const OWNER = 'login';

/** What {@link readConfigFile} found. */
interface ConfigFile {
  readonly config: JsonObject;
  /** The text as it stands; empty when there is no file. */
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
 * Changes a `config.json`: reads it, replaces it by what `edit` makes of it, at once and readable for
 * this user only. What `edit` leaves alone stays, with its order and the file's indentation. Two
 * processes that change it at the same time do so one after the other. When `edit` gives back what it
 * got, nothing is written.
 * @throws FinchError `CONFIG_INVALID`, `IO`; the file is then as it was
 */
export async function editConfigFile(
  path: string,
  edit: (config: JsonObject) => JsonObject,
): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw ioError(error, 'write', path);
  }
  await withFileLock(lockOf(path), async () => {
    await removeTemporary(path, { owner: OWNER }).catch(() => {});
    const { config, text } = await read(path);
    const edited = edit(config);
    if (edited === config) return;
    const end = text === '' || text.endsWith('\n') ? '\n' : '';
    const bytes = new TextEncoder().encode(JSON.stringify(edited, null, indentOf(text)) + end);
    await writeFileAtomic(path, bytes, { mode: 0o600, owner: OWNER });
  });
}

/** Removes what killed processes left of a change. Who holds the lock is the only one that writes. */
async function forgetKilledLogins(path: string): Promise<void> {
  try {
    if ((await temporaryFiles(path, { owner: OWNER })).length === 0) return;
    await withFileLock(lockOf(path), () => removeTemporary(path, { owner: OWNER }));
  } catch {
    // A folder that may only be read is no reason not to read the file in it.
  }
}

function lockOf(path: string): string {
  return `${path}.lock`;
}

async function read(path: string): Promise<ConfigFile> {
  const text = await readText(path);
  if (text.trim() === '') return { config: {}, text: '' };
  let config: unknown;
  try {
    config = parseExactJson(text);
  } catch (cause) {
    const line = jsonFaultLine(text);
    if (line === undefined) throw invalid(path, 'is nested too deep', cause);
    throw invalid(path, `is not valid JSON in line ${line}`, cause);
  }
  if (!isExactObject(config)) throw invalid(path, 'is not a JSON object');
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
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return '';
    if (error instanceof TypeError) throw invalid(path, 'is not UTF-8 text', error);
    throw ioError(error, 'read', path);
  }
}

/** The indentation of the first indented line: what the file's owner, or docker with its tabs, chose. */
function indentOf(text: string): string {
  if (text === '') return '  ';
  return /\n([ \t]+)\S/.exec(text)?.[1] ?? '';
}

function invalid(path: string, what: string, cause?: unknown): FinchError {
  return new FinchError('CONFIG_INVALID', `${path} ${what}`, {
    hint: 'correct the file, or move it away and log in again',
    cause,
  });
}
