import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { formatTable } from '../../src/cli/table.ts';

test('formatTable() pads every cell but the last to the widest of its column and 4 spaces', () => {
  expect(
    formatTable([
      ['A', 'BB', 'C'],
      ['aaaaa', 'b', 'ccc'],
    ]),
  ).toBe('A        BB    C\naaaaa    b     ccc\n');
});

test('formatTable() keeps a column of empty cells 4 wide', () => {
  expect(
    formatTable([
      ['', 'x'],
      ['', 'y'],
    ]),
  ).toBe('    x\n    y\n');
});

test('formatTable() ends a column at a row that has no cell in it', () => {
  expect(formatTable([['long cell', 'a'], ['alone'], ['b', 'c'], ['', 'd', 'e'], []])).toBe(
    'long cell    a\nalone\nb    c\n     d    e\n\n',
  );
});

test('formatTable() counts characters, not UTF-16 units', () => {
  expect(
    formatTable([
      ['é𝒳', '1'],
      ['abc', '2'],
    ]),
  ).toBe('é𝒳     1\nabc    2\n');
});

test('formatTable() of no rows is no text', () => {
  expect(formatTable([])).toBe('');
});

test('formatTable() puts the second column of every row at the same place', () => {
  const cell = fc.string({ maxLength: 12 }).map((text) => text.replace(/[|\s]/g, ''));
  fc.assert(
    fc.property(fc.array(cell, { minLength: 1 }), (cells) => {
      const lines = formatTable(cells.map((first) => [first, '|']))
        .trimEnd()
        .split('\n');
      const width = Math.max(...cells.map((first) => first.length));
      expect(new Set(lines.map((line) => line.indexOf('|')))).toEqual(new Set([width + 4]));
    }),
  );
});
