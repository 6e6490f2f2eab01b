import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { splitCommand } from '../../../src/aws/files/split-command.ts';

describe('splitCommand()', () => {
  test.each([
    ['a  b\tc', ['a', 'b', 'c']],
    [`'a b' "c d"`, ['a b', 'c d']],
    [`a"b c"'d e'f`, ['ab cd ef']],
    [`'' ""`, ['', '']],
    [String.raw`a\ b \"c\'`, ['a b', `"c'`]],
    [String.raw`"a\"b\\c\d$e"`, [String.raw`a"b\c\d$e`]],
    [String.raw`'a\b'`, [String.raw`a\b`]],
    ['a $(b) `c` # d', ['a', '$(b)', '`c`', '#', 'd']],
    ['', []],
  ])('splits %s', (line, words) => {
    expect(splitCommand(line)).toEqual(words);
  });

  test.each(['"a', "'a", 'a\\'])('has no words for %s', (line) => {
    expect(splitCommand(line)).toBeUndefined();
  });

  test('gives back words that were quoted', () => {
    const quoted = (word: string) => `'${word.replaceAll("'", `'"'"'`)}'`;
    fc.assert(
      fc.property(fc.array(fc.string()), (words) => {
        expect(splitCommand(words.map(quoted).join(' '))).toEqual(words);
      }),
    );
  });
});
