import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { parseYaml } from '../../src/config/parse-yaml.ts';
import { setIn, valuesIn } from './set-in.ts';

describe('a setting', () => {
  test.each([
    ['a number', 'cpus', ['8'], 'cpus: 4 # four\n', 'cpus: 8 # four\n'],
    ['a text in quotes', 'memory', ['8GiB'], "memory: '4GiB'   #\tx\n", "memory: '8GiB'   #\tx\n"],
    ['a text of JSON', 'memory', ['8g'], '{"memory": "4g"}\n', '{"memory": "8g"}\n'],
    ['new in JSON', 'memory', ['8g'], '{"cpus": 4}\n', '{"cpus": 4, "memory": "8g"}\n'],
    ['in a file of null', 'cpus', ['8'], '# a\nnull # b\n', '# a\n{cpus: 8} # b\n'],
    ['in a file of ~', 'creds_helpers', ['a'], '--- ~\n', '--- {creds_helpers: [a]}\n'],
    [
      'in an empty map with a note',
      'experimental.mountInotify',
      ['true'],
      'experimental: {\n  # note\n}\n',
      'experimental: {mountInotify: true\n  # note\n}\n',
    ],
    ['a flag', 'rosetta', ['true'], 'rosetta: False\r\na: 1\r\n', 'rosetta: true\r\na: 1\r\n'],
    ['in a flow map', 'cpus', ['8'], '{cpus: 4, a: [1]} # x', '{cpus: 8, a: [1]} # x'],
    ['new in a flow map', 'cpus', ['8'], '{ a: [1] } # x', '{ a: [1], cpus: 8 } # x'],
    ['an alias', 'memory', ['8g'], 'a: &a 4g\nmemory: *a # m\n', 'a: &a 4g\nmemory: 8g # m\n'],
    ['an anchor of none', 'memory', ['8g'], 'memory: &a 4g # m\n', 'memory: &a 8g # m\n'],
    ['with a tag', 'memory', ['8g'], 'memory: !!str 4g\n', 'memory: !!str 8g\n'],
    [
      'instead of a merged one',
      'cpus',
      ['8'],
      'b: &b {cpus: 4}\n<<: *b\n# end\n',
      'b: &b {cpus: 4}\n<<: *b\ncpus: 8\n# end\n',
    ],
    [
      'below another key',
      'experimental.mountInotify',
      ['true'],
      'experimental: {x: 1}\n',
      'experimental: {x: 1, mountInotify: true}\n',
    ],
    [
      'below an empty key',
      'experimental.mountInotify',
      ['true'],
      'experimental:\ncpus: 4\n',
      'experimental:\n  mountInotify: true\ncpus: 4\n',
    ],
    ['behind a mark', 'cpus', ['8'], '\ufeffcpus: 4\n', '\ufeffcpus: 8\n'],
    [
      'before the end of the document',
      'cpus',
      ['8'],
      '---\na: 1\n...\n',
      '---\na: 1\ncpus: 8\n...\n',
    ],
    [
      'of a host',
      'ecr.registries.a.b:5000.profile',
      ['dev'],
      'ecr:\n    registries:\n        "a.b:5000": {profile: x} # t\n',
      'ecr:\n    registries:\n        "a.b:5000": {profile: dev} # t\n',
    ],
    [
      'that would be something else without quotes',
      'limactl',
      ['/a: #b'],
      '',
      'limactl: "/a: #b"\n',
    ],
  ])('%s is changed in its place', (_, name, texts, before, after) => {
    expect(setIn(before, name, ...texts)).toBe(after);
    expect(setIn(after, name, ...texts)).toBe(after);
  });

  test.each([
    ['in front', ['a', 'b'], 'creds_helpers:\n- b # two\n', 'creds_helpers:\n- a # two\n- b\n'],
    [
      'behind',
      ['b', 'c'],
      'creds_helpers:\n- b # two\n# end\n',
      'creds_helpers:\n- b # two\n- c\n# end\n',
    ],
    [
      'instead',
      ['c'],
      'creds_helpers: # h\n    - a\n    - b # two\nx: 1\n',
      'creds_helpers: # h\n    - c\nx: 1\n',
    ],
    ['less', ['b'], 'creds_helpers:\n- a # one\n- b # two\n- a\n', 'creds_helpers:\n- b # two\n'],
    [
      'in another order',
      ['b', 'a'],
      'creds_helpers: [a, "b"] # h\n',
      'creds_helpers: [b, "a"] # h\n',
    ],
    [
      'less, in lines',
      ['a', 'c'],
      'creds_helpers: [\n  a, # first\n  b, # second\n  c # third\n]\n',
      'creds_helpers: [\n  a, # first\n  c # third\n]\n',
    ],
    [
      'of an empty list with a note',
      ['a'],
      'creds_helpers: [ # h\n]\n',
      'creds_helpers: [a # h\n]\n',
    ],
    ['of nothing', ['a'], 'creds_helpers: [] # h\n', 'creds_helpers: [a] # h\n'],
    ['of no text', ['a'], 'creds_helpers: [5] # h\n', 'creds_helpers: [a] # h\n'],
  ])('that is a list has items %s', (_, texts, before, after) => {
    expect(setIn(before, 'creds_helpers', ...texts)).toBe(after);
    expect(valuesIn(after, 'creds_helpers')).toEqual([...texts]);
  });

  test('that is a list of folders keeps both of its forms', () => {
    const name = 'additional_directories';
    const before = `${name}:\n  - path: /a # one\n  - /b # two\n`;
    const more = setIn(before, name, '/a', '/b', '/c');
    expect(more).toBe(`${before}  - path: /c\n`);
    expect(setIn(more, name, '/b', '/c')).toBe(`${name}:\n  - /b # two\n  - path: /c\n`);
    expect(setIn(before, name, '/b', '/a')).toBe(`${name}:\n  - path: /b # one\n  - /a # two\n`);
    expect(setIn('', name, '/a')).toBe(`${name}:\n  - path: /a\n`);
  });

  test.each([
    ['cpus: 4\n', ''],
    ['# a\ncpus: 4 # four\n# b\nx: 1\n', '# a\n# b\nx: 1\n'],
    ['{cpus: 4, x: 1}\n', '{x: 1}\n'],
    ['x: 1\n', 'x: 1\n'],
    ['{\n  x: 1, # one\n  cpus: 4 # four\n}\n', '{\n  x: 1 # one\n}\n'],
    ['{\n  cpus: 4, # four\n  # next\n  x: 1 # one\n}\n', '{\n  # next\n  x: 1 # one\n}\n'],
    ['{\n  "x": 1,\n  "cpus": 4\n}\n', '{\n  "x": 1\n}\n'],
    ['{ x: 1, cpus: 4, # both\n}\n', '{ x: 1, # both\n}\n'],
    ['{ x: 1, # one\n  cpus: 4 }\n', '{ x: 1 # one\n   }\n'],
  ])('is taken out of %j', (before, after) => {
    expect(setIn(before, 'cpus')).toBe(after);
  });

  test.each([
    ['an anchor that others name', 'cpus: &c 4\nother: *c\n', '1:10'],
    ['a text of several lines', 'cpus: >\n  4\n', '1:7'],
    ['one with a note before its comma, and to be taken out', '{cpus: 4 # a\n, x: 1}\n', '1:8'],
    ['one that is merged and to be taken out', 'b: &b {cpus: 4}\n<<: *b\n', '1:1'],
  ])('is left as it is where it is %s', (what, text, place) => {
    const texts = what.includes('taken') ? [] : ['8'];
    expect(() => setIn(text, 'cpus', ...texts)).toThrow(
      `finch.yaml:${place}: cpus cannot be changed here without changing something else`,
    );
  });
});

/** A piece of a file as somebody may have written it, and where in it the value of a key stands. */
interface Piece {
  readonly text: string;
  readonly name?: string;
}

const comment = fc.constantFrom('', ' # mine', '   #\twith a tab', ' # "quotes\' #: [', ' # ünï');

/** Keys that finch does not know, in every layout. */
const foreign: fc.Arbitrary<Piece> = fc
  .tuple(
    fc.constantFrom(
      'x@: 1',
      'x@:\n      - a\n      # in between\n      - b',
      'x@: &x@ {a: 1, "b": [2, 3]}\ny@: *x@',
      'x@: &x@\n deep:\n    odd: 1\n    more: 2\ny@:\n   <<: *x@\n   own: 3',
      'x@: |+\n    text # no comment\n\n    more\n',
      'x@: >-\n  folded\n  text',
      "\"x@\": 'it''s'",
      '? x@\n: 1',
      'x@:',
      'x@: {a: 1,\n  b: 2, # two\n  }',
      '# only a comment @',
      '',
    ),
    comment,
  )
  .map(([text, note]) => ({ text: /[|>]|^$/.test(text) ? text : `${text}${note}` }));

/** Keys that finch knows, with a value. */
const known: fc.Arbitrary<Piece> = fc
  .tuple(
    fc.constantFrom(
      ['cpus', 'cpus: ‹4›'],
      ['cpus', '"cpus" :   ‹0x4›'],
      ['memory', "memory: '‹4GiB›'"],
      ['memory', 'memory: &m ‹4GiB›'],
      ['rosetta', 'rosetta: ‹false›'],
      ['vmType', 'vmType: !!str "‹qemu›"'],
      ['experimental.mountInotify', 'experimental: { a: [1], mountInotify: ‹false› }'],
      ['experimental.mountInotify', 'experimental:\n     a: 1\n     mountInotify: ‹false›'],
    ),
    comment,
  )
  .map(([[name = '', text = ''], note]) => ({ name, text: `${text}${note}` }));

const file = fc
  .record({
    pieces: fc.array(foreign, { maxLength: 6 }),
    setting: fc.option(known, { nil: undefined }),
    at: fc.nat({ max: 6 }),
    start: fc.constantFrom('', '---\n', '# first\n', '---\n# first\n\n'),
    end: fc.constantFrom('', '\n', '\n\n', '\n# last', '\n...\n'),
    hasMark: fc.boolean(),
    isWindows: fc.boolean(),
  })
  .map(({ pieces, setting, at, start, end, hasMark, isWindows }) => {
    const all = setting === undefined ? pieces : pieces.toSpliced(at, 0, setting);
    const body = all.map(({ text }, i) => text.replaceAll('@', String(i))).join('\n');
    const text = `${hasMark ? '\ufeff' : ''}${start}${body}${end}`;
    return { name: setting?.name, text: isWindows ? text.replaceAll('\n', '\r\n') : text };
  });

/** What is to be written, as {@link valuesIn} gives it back. */
const WANTED: Readonly<Record<string, string>> = {
  cpus: '7',
  memory: '9GiB',
  rosetta: 'true',
  vmType: 'native',
  'experimental.mountInotify': 'true',
};

describe('a setting in any file', () => {
  test('is changed in its value alone, byte for byte', () => {
    fc.assert(
      fc.property(file, ({ name, text }) => {
        fc.pre(name !== undefined);
        const before = text.replace(/[‹›]/g, '');
        const after = setIn(before, name, WANTED[name] ?? '');
        expect(after).toBe(text.replace(/‹.*›/, WANTED[name] ?? ''));
      }),
      { numRuns: 400 },
    );
  });

  test('that is new is added as lines, and every other byte stays', () => {
    fc.assert(
      fc.property(file, fc.constantFrom(...Object.keys(WANTED)), ({ text }, name) => {
        const before = text.replace(/[‹›]/g, '');
        fc.pre(valuesIn(before, name).length === 0 && !before.includes('experimental'));
        const after = setIn(before, name, WANTED[name] ?? '');
        expect(valuesIn(after, name)).toEqual([WANTED[name] ?? '']);
        const same = commonStart(before, after);
        expect(after.endsWith(before.slice(same))).toBe(true);
        expect(after.length).toBeGreaterThan(before.length);
        // And it goes as it came.
        expect(parseYaml(setIn(after, name), '').value ?? {}).toEqual(
          parseYaml(before, '').value ?? {},
        );
      }),
      { numRuns: 400 },
    );
  });

  test('that is a list gets what is wanted, and no comment outside it is lost', () => {
    const items = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 4 });
    const layout = fc.record({ old: items, wanted: items, isFlow: fc.boolean(), around: file });
    fc.assert(
      fc.property(layout, ({ old, wanted, isFlow, around }) => {
        fc.pre(!/creds|\.\.\./.test(around.text) && wanted.length > 0);
        const list = isFlow
          ? ` [${old.join(', ')}] # list`
          : ` # list\n${old.map((item) => `   -   ${item}`).join('\n')}`;
        const head = `\nz: 1\ncreds_helpers:${list}`;
        const before = `${around.text.replace(/[‹›]/g, '')}${head}\n# tail\n`;
        const after = setIn(before, 'creds_helpers', ...wanted);
        expect(valuesIn(after, 'creds_helpers')).toEqual(wanted);
        expect(after.slice(0, after.indexOf('creds_helpers:'))).toBe(
          before.slice(0, before.indexOf('creds_helpers:')),
        );
        expect(after).toEndWith('\n# tail\n');
        expect(after).toContain('# list');
      }),
      { numRuns: 300 },
    );
  });
});

function commonStart(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}
