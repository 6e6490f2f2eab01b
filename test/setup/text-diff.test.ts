import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { textDiff } from '../../src/setup/text-diff.ts';

describe('textDiff()', () => {
  test.each([
    ['nothing', 'a\n', 'a\n', []],
    ['a new file', '', 'a\nb\n', ['+a', '+b']],
    ['a file that goes', 'a\nb', '', ['-a', '-b']],
    [
      'a line in the middle',
      '1\n2\n3\n4\n5\n6\n',
      '1\n2\n3\nx\n4\n5\n6\n',
      [' 2', ' 3', '+x', ' 4', ' 5'],
    ],
    [
      'two places',
      '1\n2\n3\n4\n5\n6\n7\n8\n9\n',
      '1\nb\n3\n4\n5\n6\n7\n8\n9\nx\n',
      [' 1', '-2', '+b', ' 3', ' 4', '…', ' 8', ' 9', '+x'],
    ],
  ])('shows %s', (_, before, after, lines) => {
    expect(textDiff(before, after)).toEqual(lines);
  });

  test('shows every line that goes and every one that comes, in order', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 12 });
    fc.assert(
      fc.property(text, text, (before, after) => {
        const lines = textDiff(before.join('\n'), after.join('\n'));
        const count = (sign: string) => lines.filter((line) => line.startsWith(sign)).length;
        expect(count('+') - count('-')).toBe(after.length - before.length);
        if (before.join() === after.join()) expect(lines).toEqual([]);
        else expect(count('+') + count('-')).toBeGreaterThan(0);
      }),
    );
  });

  test('takes no long time for files that have nothing in common', () => {
    const lines = (name: string) =>
      Array.from({ length: 20_000 }, (_, i) => `${name}${i}`).join('\n');
    expect(textDiff(lines('a'), lines('b'))).toHaveLength(40_000);
  });
});
