import cac from 'cac';
import type { Command, Flag, Invocation } from '../commands/command.ts';
import { FinchError } from '../errors.ts';

/** Flags that every command has. */
export const commonFlags: readonly Flag[] = [
  { name: 'help', short: 'h', summary: 'show this help' },
  { name: 'debug', summary: 'show what lies behind an error' },
];

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
  for (const flag of flags) known.option(declaration(flag), flag.summary);
  const parsed = attempt(path, () => {
    const { args, options } = program.parse(['', '', ...shield(argv, flags)], { run: false });
    known.checkUnknownOptions();
    known.checkOptionValue();
    return { args, options: options as Readonly<Record<string, unknown>> };
  });
  const args = parsed.args.map(unshield);
  const values = (name: string) => [parsed.options[camelCase(name)] ?? []].flat();
  const texts = (name: string) => values(name).map((value) => unshield(String(value)));
  const invocation: Invocation = {
    args,
    signal,
    on: (name) => values(name).at(-1) === true,
    text: (name) => texts(name).at(-1),
    list: (name) => texts(name).flatMap((text) => text.split(',').filter((part) => part !== '')),
  };
  if (!invocation.on('help')) checkArity(path, command, args);
  return invocation;
}

function declaration({ name, short, value }: Flag): string {
  const names = short === undefined ? `--${name}` : `-${short}, --${name}`;
  return value === undefined ? names : `${names} <value>`;
}

/** `argv` in a form that means to cac what it says: each value bound to its flag, all text shielded. */
function shield(argv: readonly string[], flags: readonly Flag[]): readonly string[] {
  const shielded: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (word === '--') return [...shielded, ...argv.slice(i + 1).map((text) => SHIELD + text)];
    if (!word.startsWith('-') || word === '-') {
      shielded.push(SHIELD + word);
      continue;
    }
    const [, name = '', attached] = /^(--[^=]*|-[^-])=?(.+|(?<==))?$/s.exec(word) ?? [];
    const flag = flags.find((one) => name === `--${one.name}` || name === `-${one.short}`);
    if (flag?.value === undefined) {
      shielded.push(...switches(word, { flag, attached, flags }));
      continue;
    }
    const value = attached ?? argv[i + 1];
    if (attached === undefined) i += 1;
    shielded.push(value === undefined ? name : `--${flag.name}=${SHIELD}${value}`);
  }
  return shielded;
}

/** A word of flags without values: `--quiet`, `--quiet=false`, `-q`, or several as `-qa`. */
function switches(
  word: string,
  {
    flag,
    attached,
    flags,
  }: { flag: Flag | undefined; attached: string | undefined; flags: readonly Flag[] },
): readonly string[] {
  if (flag === undefined || attached === undefined) return [word];
  if (attached === 'true') return [`--${flag.name}`];
  if (attached === 'false') return [];
  const letters = [...attached];
  const isBundle =
    !word.startsWith('--') && letters.every((letter) => flags.some((one) => one.short === letter));
  if (isBundle) return [`-${flag.short}`, ...letters.map((letter) => `-${letter}`)];
  throw usageError(`invalid value ${JSON.stringify(attached)} for flag --${flag.name}`);
}

function unshield(text: string): string {
  return text.startsWith(SHIELD) ? text.slice(SHIELD.length) : text;
}

function camelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** Runs what cac may refuse. cac does not export its error class, and says nothing else. */
function attempt<T>(path: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'CACError') throw error;
    const unknown = /^Unknown option `(.*)`$/.exec(error.message)?.[1];
    const missing = /^option `(?:-., )?(--[^ ]+)/.exec(error.message)?.[1];
    const what =
      unknown === undefined
        ? `flag ${missing ?? ''} needs a value`
        : `unknown flag: ${dashed(unknown)}`;
    throw usageError(what, path);
  }
}

function dashed(flag: string): string {
  return flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
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

function usageError(message: string, path = ''): FinchError {
  return new FinchError('USAGE', message, {
    hint: `see ${['finch', path].filter(Boolean).join(' ')} --help`,
  });
}
