import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { App } from '../app.ts';
import { csv } from '../engine/nerdctl-environment.ts';
import { containerFlags, type GivenFlag, readFlags } from '../engine/nerdctl-flags.ts';
import { writtenWords } from '../engine/written-words.ts';
import { FinchError } from '../errors.ts';
import { ioError } from '../host/io-error.ts';
import { currentOwner, ingestName, ingestOwner, ownerState } from '../host/owner.ts';
import { machineFolder } from '../vm/machine-folder.ts';

/** A command line that names a file of variables, which is removed with this. */
export interface EnvironmentFile extends AsyncDisposable {
  readonly words: readonly string[];
}

/** How the names of such files begin. */
const PREFIX = 'environment-';

/** nerdctl reads no line that has more bytes. https://pkg.go.dev/bufio#MaxScanTokenSize */
const MAX_LINE = 64 * 1024;

/**
 * The variables that `-e NAME` takes from the user's environment, which the virtual machine does not have, in a file
 * that only the user can read and the machine sees: on a command line all users of this machine would see them.
 * It stands behind the user's own files, over which `-e` goes. Files of processes that were killed are removed.
 * @throws FinchError `IO`; `USAGE` for a value that such a file cannot hold
 */
export async function environmentFile(
  { host }: App,
  words: readonly string[],
): Promise<EnvironmentFile> {
  const { verb, args, at } = writtenWords(words);
  const isMeant = ['run', 'create', 'exec'].includes(verb);
  const { flags } = isMeant ? readFlags(args, containerFlags) : { flags: [] };
  const given = flags.filter(({ name }) => name === 'e' || name === 'env');
  const last = new Map(given.map((flag) => [variableOf(flag), flag]));
  const taken = [...last.values()].filter(
    ({ value }) => value !== undefined && Object.hasOwn(host.env, value),
  );
  const folder = machineFolder(host.home).path;
  await removeLeft(folder);
  if (taken.length === 0) return { words, async [Symbol.asyncDispose]() {} };
  const lines = taken.map(({ value: name = '' }) => lineOf(name, host.env[name] ?? ''));
  const path = join(folder, `${PREFIX}${ingestName(currentOwner())}`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(path, lines.join(''), { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    throw ioError(cause, 'write', path);
  }
  const end = flags.reduce((_, flag) => flag.at + flag.length, 0);
  const names = new Set(taken.map(variableOf));
  const told = given.filter((flag) => names.has(variableOf(flag)));
  const others = withoutFlags(args.slice(0, end), told);
  return {
    words: [...words.slice(0, at), ...others, '--env-file', csv([path]), ...args.slice(end)],
    [Symbol.asyncDispose]: () => rm(path, { force: true }),
  };
}

function variableOf({ value = '' }: GivenFlag): string {
  return value.replace(/=.*/s, '');
}

/** Removes the files of processes that were killed. What cannot be removed hinders nobody. */
async function removeLeft(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((each) => each.startsWith(PREFIX))) {
    if (ownerState(ingestOwner(name.slice(PREFIX.length))) !== 'dead') continue;
    await rm(join(folder, name), { force: true }).catch(() => {});
  }
}

function lineOf(name: string, value: string): string {
  const line = `${name}=${value}\n`;
  if (!/[\r\n]|\s$/.test(value) && Buffer.byteLength(line) <= MAX_LINE) return line;
  throw new FinchError(
    'USAGE',
    `cannot give ${name} to the container: its value is too long, has lines or ends with a space`,
    {
      hint: 'put it into a file that you mount with --volume',
    },
  );
}

/** The words without some of their flags; of `-ite NAME` the other letters stay. */
function withoutFlags(args: readonly string[], flags: readonly GivenFlag[]): readonly string[] {
  const kept = new Map(args.map((word, i) => [i, word]));
  for (const { at, length, value = '' } of flags) {
    const word = kept.get(at) ?? '';
    if (length === 2) kept.delete(at + 1);
    const attached = length === 2 ? 1 : value.length + (word.endsWith(`=${value}`) ? 2 : 1);
    const others = word.startsWith('--') ? '' : word.slice(0, -attached);
    if (others.length > 1) kept.set(at, others);
    else kept.delete(at);
  }
  return [...kept.values()];
}
