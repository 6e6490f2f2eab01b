import cac from 'cac';
import type { Command, Flag, Invocation } from '../commands/command.ts';
import { FinchError } from '../errors.ts';
import { commonFlags } from './common-flags.ts';

/**
 * Stands before everything that is text and not a flag while cac sees it. cac would turn `1.10` into
 * the number 1.1, and take text that begins with a hyphen for a flag.
 */
const SHIELD = '\u0001';

/**
 * What `argv`, without the words of the command, says to `command`. Flags may stand before, between and
 * behind arguments; behind `--` everything is an argument.
 * @throws FinchError `USAGE`
 */
export function parseArguments(
  path: string,
  command: Command,
  { argv, signal }: { argv: readonly string[]; signal: AbortSignal },
): Invocation {
  const flags = [...command.flags, ...commonFlags];
  const program = cac('finch');
  const known = program.command('[...args]', '');
  for (const { name, value, summary } of flags) {
    known.option(value === undefined ? `--${name}` : `--${name} <value>`, summary);
  }
  const words = [...shielded(path, argv, flags)];
  const parsed = program.parse(['', '', ...words], { run: false });
  const options: Readonly<Record<string, unknown>> = parsed.options;
  const values = (name: string) => [options[camelCase(name)] ?? []].flat();
  const texts = (name: string) => values(name).map((value) => unshield(String(value)));
  const invocation: Invocation = {
    args: parsed.args.map(unshield),
    signal,
    on: (name) => values(name).at(-1) === true,
    text: (name) => texts(name).at(-1),
    list: (name) => texts(name).flatMap((text) => text.split(',').filter((part) => part !== '')),
  };
  if (!invocation.on('help')) checkArity(path, command, invocation.args);
  return invocation;
}

/**
 * `argv` in a form in which cac cannot mistake anything: flags by their long name in camel case, as cac
 * keeps them, each value bound to its flag, and all text shielded.
 */
function* shielded(
  path: string,
  argv: readonly string[],
  flags: readonly Flag[],
): Generator<string, void> {
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (word === '--') {
      yield* argv.slice(i + 1).map((text) => SHIELD + text);
      return;
    }
    if (!word.startsWith('-') || word === '-') {
      yield SHIELD + word;
      continue;
    }
    for (const { flag, attached } of flagsIn(word, { path, flags })) {
      const name = `--${camelCase(flag.name)}`;
      if (flag.value === undefined) {
        if (attached !== 'false') yield name;
        continue;
      }
      const value = attached ?? argv[++i];
      if (value === undefined) throw usageError(`flag --${flag.name} needs a value`, path);
      yield `${name}=${SHIELD}${value}`;
    }
  }
}

/** One flag of a word, and the value that the word gives it. */
interface GivenFlag {
  readonly flag: Flag;
  readonly attached?: string | undefined;
}

/** The flags in one word: `--name`, `--name=value`, `-n`, `-nvalue`, `-n=value`, or switches as `-qf`. */
function flagsIn(
  word: string,
  { path, flags }: { path: string; flags: readonly Flag[] },
): readonly GivenFlag[] {
  if (word.startsWith('--')) {
    const [name = '', ...rest] = word.slice(2).split('=');
    const flag = flags.find((one) => one.name === name);
    if (flag === undefined) throw usageError(`unknown flag: --${name}`, path);
    const attached = rest.length > 0 ? rest.join('=') : undefined;
    if (flag.value === undefined && !/^(?:true|false)?$/.test(attached ?? '')) {
      throw usageError(`flag --${name} takes no value`, path);
    }
    return [{ flag, attached }];
  }
  const flag = flags.find((one) => one.short === word[1]);
  if (flag === undefined) throw usageError(`unknown flag: -${word[1]}`, path);
  const rest = word.slice(2);
  if (rest === '') return [{ flag }];
  if (flag.value !== undefined) return [{ flag, attached: rest.replace(/^=/, '') }];
  return [{ flag }, ...flagsIn(`-${rest}`, { path, flags })];
}

function unshield(text: string): string {
  return text.startsWith(SHIELD) ? text.slice(SHIELD.length) : text;
}

function camelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function checkArity(path: string, { arity }: Command, args: readonly string[]): void {
  const { min, max } = arity;
  if (args.length >= min && args.length <= max) return;
  const count = (n: number) => `${n} argument${n === 1 ? '' : 's'}`;
  const wanted =
    max === 0 ? 'accepts no arguments' : min === max ? `requires exactly ${count(min)}` : undefined;
  const bound =
    args.length < min ? `requires at least ${count(min)}` : `accepts at most ${count(max)}`;
  throw usageError(`"finch ${path}" ${wanted ?? bound}`, path);
}

function usageError(message: string, path: string): FinchError {
  return new FinchError('USAGE', message, { hint: `see finch ${path} --help` });
}
