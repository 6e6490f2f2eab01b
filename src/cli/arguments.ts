import cac from 'cac';
import type { Command, Flag, Invocation } from '../commands/command.ts';
import { FinchError } from '../errors.ts';
import { excerpt } from '../text.ts';
import { commonFlags } from './common-flags.ts';

/**
 * Stands before everything that is text and not a flag while cac sees it. cac would turn `1.10` into
 * the number 1.1, and take text that begins with a hyphen for a flag.
 */
const SHIELD = '\u0001';

/**
 * What `argv`, without the words of the command, says to `command`. Flags may stand before, between and
 * behind arguments; behind `--` everything is an argument, and everywhere a number below zero.
 * @throws FinchError `USAGE`
 */
export function parseArguments(
  path: string,
  command: Command,
  { argv, signal }: { argv: readonly string[]; signal: AbortSignal },
): Invocation {
  const flags = [...command.flags, ...commonFlags];
  // cac reads meaning into names such as `no-trunc`, so it gets names that have none: `f0`, `f1`.
  const nameFor = (flag: Flag) => `f${flags.indexOf(flag)}`;
  const program = cac('finch');
  const known = program.command('[...args]', '');
  for (const flag of flags) known.option(`--${nameFor(flag)} <value>`, flag.summary);
  const words = [...shielded(path, argv, { flags, nameFor })];
  const parsed = program.parse(['', '', ...words], { run: false });
  const options: Readonly<Record<string, unknown>> = parsed.options;
  const values = (name: string): readonly string[] => {
    const flag = flags.find((one) => one.name === name);
    const given = flag === undefined ? [] : [options[nameFor(flag)] ?? []].flat();
    return given.map((value) => unshield(String(value)));
  };
  const isSwitch = (name: string) =>
    flags.some((flag) => flag.name === name && flag.value === undefined);
  const invocation: Invocation = {
    args: parsed.args.map(unshield),
    words: argv,
    signal,
    on: (name) => isSwitch(name) && values(name).at(-1) === 'true',
    text: (name) => values(name).at(-1),
    list: (name) =>
      values(name).flatMap((text) => text.split(',').flatMap((part) => part.trim() || [])),
  };
  if (!invocation.on('help')) checkArity(path, command, invocation.args);
  return invocation;
}

/** `argv` in a form in which cac cannot mistake anything: each value bound to its flag, all text shielded. */
function* shielded(
  path: string,
  argv: readonly string[],
  { flags, nameFor }: { flags: readonly Flag[]; nameFor: (flag: Flag) => string },
): Generator<string, void> {
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (word === '--') {
      yield* argv.slice(i + 1).map((text) => SHIELD + text);
      return;
    }
    const isNumber = /^-\d/.test(word) && !flags.some(({ short }) => short === word[1]);
    if (!word.startsWith('-') || word === '-' || isNumber) {
      yield SHIELD + word;
      continue;
    }
    for (const { flag, attached } of flagsIn(word, { path, flags })) {
      const value = flag.value === undefined ? (attached ?? 'true') : (attached ?? argv[++i]);
      if (value === undefined) throw usageError(`flag --${flag.name} needs a value`, path);
      yield `--${nameFor(flag)}=${SHIELD}${value}`;
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
    if (flag === undefined) throw usageError(`unknown flag: --${excerpt(name)}`, path);
    const attached = rest.length > 0 ? rest.join('=') : undefined;
    return [{ flag, attached: switchValue(flag, attached, path) }];
  }
  const given: GivenFlag[] = [];
  for (let at = 1; at < word.length; at++) {
    const flag = flags.find((one) => one.short === word[at]);
    if (flag === undefined) {
      throw usageError(`unknown flag: -${excerpt([...word.slice(at)][0] ?? '')}`, path);
    }
    const rest = word.slice(at + 1);
    const takesRest = rest !== '' && (flag.value !== undefined || rest.startsWith('='));
    if (!takesRest) {
      // Once is enough: `-qq` means no more than `-q`.
      if (!given.some((one) => one.flag === flag)) given.push({ flag });
      continue;
    }
    const value = rest.replace(/^=/, '');
    return [...given, { flag, attached: switchValue(flag, value, path) }];
  }
  return given;
}

function unshield(text: string): string {
  return text.startsWith(SHIELD) ? text.slice(SHIELD.length) : text;
}

/** Checks that a flag that is on or off gets no other value. */
function switchValue(flag: Flag, value: string | undefined, path: string): string | undefined {
  if (flag.value !== undefined || value === undefined) return value;
  if (value === 'true' || value === 'false') return value;
  throw usageError(`flag --${flag.name} takes no value`, path);
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
