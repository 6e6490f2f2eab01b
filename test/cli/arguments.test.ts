import { describe, expect, test } from 'bun:test';
import { array, assert, constantFrom, type IProperty, oneof, property, string } from 'fast-check';
import { parseArguments } from '../../src/cli/arguments.ts';
import { type Command, type Flag, silence } from '../../src/commands/command.ts';
import { type CommandEntry, commands } from '../../src/commands/index.ts';
import { FinchError } from '../../src/errors.ts';

const FLAGS: readonly Flag[] = [
  { name: 'quiet', short: 'q', summary: '' },
  { name: 'force', short: 'f', summary: '' },
  { name: 'no-trunc', short: 'n', summary: '' },
  { name: 'all-platforms', summary: '' },
  { name: 'format', short: 'F', value: 'TEXT', summary: '' },
  { name: 'password-file', short: 'p', value: 'FILE', summary: '' },
];

function commandOf({ min = 0, max = Number.POSITIVE_INFINITY } = {}, flags = FLAGS): Command {
  return { usage: '', examples: [], arity: { min, max }, flags, run: async () => silence };
}

const { signal } = new AbortController();

/** Words that parsers like to take for something. */
const WORDS = [
  '--',
  '-',
  '--quiet',
  '-q',
  '--no-trunc',
  '--format',
  '--format=',
  '-F',
  '--help',
  '1.10',
];

function assertProperty<T>(checked: IProperty<T>): void {
  // This overload is not asynchronous, which the linter cannot see.
  void assert(checked);
}

/** What a command line says: its arguments, its switches, and the values of its other flags by their names. */
interface Parsed {
  readonly args: readonly string[];
  readonly on: readonly string[];
  readonly [flag: string]: unknown;
}

function parse(argv: readonly string[], command = commandOf()): Parsed {
  const invocation = parseArguments('thing', command, { argv, signal });
  const on = FLAGS.filter(({ name }) => invocation.on(name)).map(({ name }) => name);
  const texts = Object.fromEntries(
    FLAGS.flatMap(({ name }) => {
      const text = invocation.text(name);
      return FLAGS.find((flag) => flag.name === name)?.value && text !== undefined
        ? [[name, text] as const]
        : [];
    }),
  );
  return { args: invocation.args, on, ...texts };
}

function refusal(argv: readonly string[], command?: Command): string {
  try {
    return JSON.stringify(parse(argv, command));
  } catch (error) {
    if (!(error instanceof FinchError)) throw error;
    return `${error.code}: ${error.message}; ${error.hint}`;
  }
}

describe('parseArguments() takes arguments as they are:', () => {
  test.each([
    [[]],
    [['a']],
    [['a', 'b', 'c']],
    [['1.10']],
    [['1.0', '007', '1e3', '0x10', 'NaN', 'true', 'false', 'null']],
    [['-']],
    [['']],
    [['a', '', 'b']],
    [['with space', 'line\nfeed', 'ünïcödé', '\u0001', '\u0001\u0001x']],
    [['a=b', '=', '=x', 'constructor', '__proto__', 'toString']],
    [['a,b']],
  ])('%j', (args) => {
    expect(parse(args)).toEqual({ args: [...args], on: [] });
  });

  test.each([
    [['--', '-q'], ['-q']],
    [
      ['--', '--quiet', '--unknown', '-x'],
      ['--quiet', '--unknown', '-x'],
    ],
    [['--', '--'], ['--']],
    [
      ['a', '--', '--', 'b'],
      ['a', '--', 'b'],
    ],
    [['--'], []],
    [['a', '--'], ['a']],
    [
      ['--', '--help', '1.10', ''],
      ['--help', '1.10', ''],
    ],
  ])('%j behind --', (argv, args) => {
    expect(parse(argv)).toEqual({ args, on: [] });
  });

  test('of any text, behind --, and between flags', () => {
    const texts = array(oneof(string({ unit: 'binary' }), string(), constantFrom(...WORDS)));
    assertProperty(property(texts, (args) => expect(parse(['--', ...args]).args).toEqual(args)));
    const plain = array(string({ unit: 'binary' }).filter((text) => !/^-./s.test(text)));
    assertProperty(
      property(plain, plain, (before, behind) => {
        const argv = [...before, '-q', ...behind, '--format', 'x', '--', ...before];
        expect(parse(argv)).toEqual({
          ...{ args: [...before, ...behind, ...before], on: ['quiet'], format: 'x' },
        });
      }),
    );
  });
});

describe('parseArguments() takes a number below zero', () => {
  test('as an argument', () => {
    const argv = ['set', '-1', '-q', '-2GiB'];
    const given = parseArguments('thing', commandOf(), { argv, signal });
    expect(given.args).toEqual(['set', '-1', '-2GiB']);
    expect(given.on('quiet')).toBe(true);
  });
});

describe('parseArguments() takes the value of a flag', () => {
  const values = [
    '1.10',
    '-',
    '-1',
    '--',
    '--quiet',
    '-q',
    '',
    'a=b',
    '=',
    'a,b',
    'true',
    '\u0001x',
  ];
  test.each(values)('%p in every form', (value) => {
    const expected = { args: ['x'], on: [], format: value };
    expect(parse(['--format', value, 'x'])).toEqual(expected);
    expect(parse(['x', '--format', value])).toEqual(expected);
    expect(parse([`--format=${value}`, 'x'])).toEqual(expected);
    expect(parse(['-F', value, 'x'])).toEqual(expected);
    expect(parse([`-F=${value}`, 'x'])).toEqual(expected);
    if (value !== '' && !value.startsWith('=')) {
      expect(parse([`-F${value}`, 'x'])).toEqual(expected);
    }
  });

  test('that is any text', () => {
    assertProperty(
      property(string({ unit: 'binary' }), (value) => {
        expect(parse(['--format', value])).toEqual({ args: [], on: [], format: value });
        expect(parse([`--format=${value}`])).toEqual({ args: [], on: [], format: value });
        expect(parse(['-qF', value])).toEqual({ args: [], on: ['quiet'], format: value });
      }),
    );
  });

  test('behind switches in one word', () => {
    expect(parse(['-qfF', 'x'])).toEqual({ args: [], on: ['quiet', 'force'], format: 'x' });
    expect(parse(['-qFx'])).toEqual({ args: [], on: ['quiet'], format: 'x' });
    expect(parse(['-qF=x=y'])).toEqual({ args: [], on: ['quiet'], format: 'x=y' });
    // Behind a flag with a value everything is its value.
    expect(parse(['-Fq'])).toEqual({ args: [], on: [], format: 'q' });
  });

  test('of a name of two words', () => {
    for (const argv of [['--password-file', 'x'], ['--password-file=x'], ['-px']]) {
      expect(parse(argv)).toEqual({ args: [], on: [], 'password-file': 'x' });
    }
  });

  test('the last of several', () => {
    expect(parse(['--format', 'a', '-Fb', '--format=c'])).toEqual({
      args: [],
      on: [],
      format: 'c',
    });
    expect(parse(['--format', 'a', '--format='])).toEqual({ args: [], on: [], format: '' });
  });
});

describe('the list of a flag', () => {
  const list = (...argv: readonly string[]) =>
    parseArguments('thing', commandOf(), { argv, signal }).list('format');

  test('has the values of all, and those with commas between', () => {
    expect(list()).toEqual([]);
    expect(list('--format', 'a')).toEqual(['a']);
    expect(list('--format', 'a,b', '-Fc', '--format=d,1.10')).toEqual(['a', 'b', 'c', 'd', '1.10']);
    expect(list('--format', 'a=1,b=-2')).toEqual(['a=1', 'b=-2']);
    expect(list('--format', ',a,,b,', '--format=')).toEqual(['a', 'b']);
  });
});

describe('parseArguments() takes a switch', () => {
  test.each([
    [['-q'], ['quiet']],
    [['--quiet'], ['quiet']],
    [['--quiet=true'], ['quiet']],
    [['--quiet=false'], []],
    [['-q', '-q', '--quiet'], ['quiet']],
    [['-qf'], ['quiet', 'force']],
    [['-fq'], ['quiet', 'force']],
    [['-qqf'], ['quiet', 'force']],
    [
      ['--all-platforms', '--force'],
      ['force', 'all-platforms'],
    ],
    [['--no-trunc'], ['no-trunc']],
    [['-n'], ['no-trunc']],
    [['--no-trunc=false'], []],
  ])('%j', (argv, on) => {
    expect(parse(argv)).toEqual({ args: [], on });
  });

  test('and leaves the argument behind it alone', () => {
    for (const { name, short, value } of FLAGS) {
      if (value !== undefined) continue;
      for (const flag of [`--${name}`, `--${name}=true`, ...(short ? [`-${short}`] : [])]) {
        expect([flag, parse([flag, 'image'])]).toEqual([flag, { args: ['image'], on: [name] }]);
        expect(parse(['image', flag, '1.10'])).toEqual({ args: ['image', '1.10'], on: [name] });
      }
    }
  });

  test('at its last word when it is said twice', () => {
    expect(parse(['--quiet=false', '-q']).on).toEqual(['quiet']);
    expect(parse(['-q', '--quiet=false']).on).toEqual([]);
  });

  test('together with others, arguments and values in any order', () => {
    const pieces = [['-q'], ['--no-trunc'], ['-F', 'v'], ['one'], ['--force'], ['-p=w']];
    const any = array(constantFrom(...pieces), { maxLength: 8 });
    assertProperty(
      property(any, (chosen) => {
        const has = (piece: readonly string[] | undefined) => chosen.some((one) => one === piece);
        expect(parse(chosen.flat())).toEqual({
          args: chosen.filter((piece) => piece === pieces[3]).map(() => 'one'),
          on: [
            ...(has(pieces[0]) ? ['quiet'] : []),
            ...(has(pieces[4]) ? ['force'] : []),
            ...(has(pieces[1]) ? ['no-trunc'] : []),
          ],
          ...(has(pieces[2]) && { format: 'v' }),
          ...(has(pieces[5]) && { 'password-file': 'w' }),
        });
      }),
    );
  });
});

describe('parseArguments() refuses', () => {
  test.each([
    [['--unknown'], 'unknown flag: --unknown'],
    [['--unknown=1'], 'unknown flag: --unknown'],
    [['-x'], 'unknown flag: -x'],
    [['-qx'], 'unknown flag: -x'],
    [['-ü'], 'unknown flag: -ü'],
    [['--no-quiet'], 'unknown flag: --no-quiet'],
    [['--noTrunc'], 'unknown flag: --noTrunc'],
    [['--trunc'], 'unknown flag: --trunc'],
    [['--allPlatforms'], 'unknown flag: --allPlatforms'],
    [['--passwordFile', 'x'], 'unknown flag: --passwordFile'],
    [['--Quiet'], 'unknown flag: --Quiet'],
    [['--q'], 'unknown flag: --q'],
    [['--qui'], 'unknown flag: --qui'],
    [['-quiet'], 'unknown flag: -u'],
    [['---quiet'], 'unknown flag: ---quiet'],
    [['--=x'], 'unknown flag: --'],
    [['--__proto__'], 'unknown flag: --__proto__'],
    [['--constructor=x'], 'unknown flag: --constructor'],
    [['--format'], 'flag --format needs a value'],
    [['-F'], 'flag --format needs a value'],
    [['a', '-qF'], 'flag --format needs a value'],
    [['--quiet=yes'], 'flag --quiet takes no value'],
    [['--quiet=1'], 'flag --quiet takes no value'],
    [['--no-trunc=x'], 'flag --no-trunc takes no value'],
  ])('%j', (argv, message) => {
    expect(refusal(argv)).toBe(`USAGE: ${message}; see finch thing --help`);
  });

  test.each([
    [{ min: 0, max: 0 }, ['a'], '"finch thing" accepts no arguments'],
    [{ min: 0, max: 0 }, [''], '"finch thing" accepts no arguments'],
    [{ min: 1, max: 1 }, [], '"finch thing" requires exactly 1 argument'],
    [{ min: 1, max: 1 }, ['a', 'b'], '"finch thing" requires exactly 1 argument'],
    [{ min: 1, max: 1 }, ['-q', '-F', 'x'], '"finch thing" requires exactly 1 argument'],
    [{ min: 2, max: 2 }, ['a'], '"finch thing" requires exactly 2 arguments'],
    [{ min: 1 }, [], '"finch thing" requires at least 1 argument'],
    [{ min: 2 }, ['--', '-a'], '"finch thing" requires at least 2 arguments'],
    [{ min: 0, max: 1 }, ['a', 'b'], '"finch thing" accepts at most 1 argument'],
  ])('%j with %j', (arity, argv, message) => {
    expect(refusal(argv, commandOf(arity))).toBe(`USAGE: ${message}; see finch thing --help`);
  });

  test('nothing when help is asked for, however many arguments there are', () => {
    for (const argv of [['--help'], ['-h'], ['a', 'b', '-h'], ['-qh']]) {
      const invocation = parseArguments('thing', commandOf({ min: 1, max: 1 }), { argv, signal });
      expect(invocation.on('help')).toBe(true);
    }
    expect(parse(['x']).on).toEqual([]);
  });

  test('nothing but with FinchError, whatever the words', () => {
    const words = array(oneof(string({ unit: 'binary' }), constantFrom(...WORDS)));
    assertProperty(
      property(words, (argv) => {
        expect(refusal(argv)).toBeString();
      }),
    );
  });
});

describe('parseArguments() for the commands of finch', () => {
  const entries: readonly (readonly [string, CommandEntry])[] = commands.map((entry) => [
    entry.paths[0],
    entry,
  ]);

  test.each(entries)('%s: each switch leaves the argument behind it alone', async (path, entry) => {
    const { command } = await entry.load();
    const anyNumber = { ...command, arity: { min: 0, max: 9 } };
    for (const { name, short, value } of command.flags) {
      const given = value === undefined ? [] : ['value'];
      for (const flag of [`--${name}`, ...(short ? [`-${short}`] : [])]) {
        const argv = [flag, ...given, 'first', 'second'];
        const invocation = parseArguments(path, anyNumber, { argv, signal });
        expect([flag, invocation.args]).toEqual([flag, ['first', 'second']]);
        if (value === undefined) expect([flag, invocation.on(name)]).toEqual([flag, true]);
        else expect([flag, invocation.text(name)]).toEqual([flag, 'value']);
      }
    }
  });

  test('no flag stands twice, nor has a letter that another has', async () => {
    for (const entry of commands) {
      const { flags } = (await entry.load()).command;
      const names = [...flags.map(({ name }) => name), 'help', 'debug'];
      const letters = [...flags.flatMap(({ short = [] }) => short), 'h'];
      expect(new Set(names).size).toBe(names.length);
      expect(new Set(letters).size).toBe(letters.length);
    }
  });
});

test.each(['--\x1b[2J', `--${'x'.repeat(5000)}`, '-\x07', '-\u{1f600}'])(
  'an unknown flag is named in one short line: %j',
  (word) => {
    expect(() => parse([word])).toThrow(/^unknown flag: --?[^\p{Cc}]{0,210}$/u);
  },
);

test('switches in one word may be many, and repeated', () => {
  expect(parse([`-${'qf'.repeat(50_000)}`]).on).toEqual(['quiet', 'force']);
  expect(parse([`-${'qf'.repeat(50_000)}q=false`]).on).toEqual(['force']);
});
