import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { App } from '../app.ts';
import { containerFlags, type GivenFlag, readFlags } from '../engine/nerdctl-flags.ts';
import { writtenWords } from '../engine/written-words.ts';
import { FinchError } from '../errors.ts';
import { ioError } from '../host/io-error.ts';
import { machineFolder } from '../vm/machine-folder.ts';

/** A command line that names a file of variables, which is removed with this. */
export interface EnvironmentFile extends AsyncDisposable {
  readonly words: readonly string[];
}

/** nerdctl reads no line that is longer. */
const MAX_VALUE = 60_000;

/**
 * The variables that `-e NAME` takes from the user's environment, which the virtual machine does not have, in a file
 * that only the user can read and the machine sees: on a command line all users of this machine would see them.
 * @throws FinchError `IO`; `USAGE` for a value that such a file cannot hold
 */
export async function environmentFile(
  { host }: App,
  words: readonly string[],
): Promise<EnvironmentFile> {
  const { verb, args, at } = writtenWords(words);
  const isMeant = ['run', 'create', 'exec'].includes(verb);
  const { flags } = isMeant ? readFlags(args, containerFlags) : { flags: [] };
  const taken = flags.filter(
    ({ name, value }) =>
      (name === 'e' || name === 'env') && value !== undefined && host.env[value] !== undefined,
  );
  if (taken.length === 0) return { words, async [Symbol.asyncDispose]() {} };
  const lines = taken.map(({ value: name = '' }) => lineOf(name, host.env[name] ?? ''));
  const folder = machineFolder(host.home).path;
  const path = join(folder, `environment-${randomBytes(8).toString('hex')}`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(path, lines.join(''), { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    throw ioError(cause, 'write', path);
  }
  const rest = withoutFlags(args, taken);
  return {
    words: [...words.slice(0, at), '--env-file', path, ...rest],
    [Symbol.asyncDispose]: () => rm(path, { force: true }),
  };
}

function lineOf(name: string, value: string): string {
  if (!/[\r\n]|\s$/.test(value) && value.length <= MAX_VALUE) return `${name}=${value}\n`;
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
