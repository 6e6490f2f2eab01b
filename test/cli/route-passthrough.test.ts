import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { routePassthrough } from '../../src/cli/route-passthrough.ts';

const wordsOf = (line: string) => routePassthrough(line.split(' '))?.words.join(' ');

describe('routePassthrough()', () => {
  test('takes the commands of containers, with all words behind them', () => {
    for (const line of ['ps', 'run --rm -it app -- sh -c x', 'compose up', 'image inspect app']) {
      expect(wordsOf(line)).toBe(line);
    }
  });

  test('leaves finch what it does itself', () => {
    const own = ['images', 'image ls', 'push app', 'system prune -a', 'info', 'vm start', 'image'];
    for (const line of [...own, '', '--help', 'nosuch', '--version']) {
      expect([line, wordsOf(line)]).toEqual([line, undefined]);
    }
  });

  test('takes a --debug before the command for finch, and none behind it', () => {
    expect(routePassthrough(['--debug', 'run', '--debug', 'app', '--debug'])).toMatchObject({
      before: ['--debug'],
      words: ['run', '--debug', 'app', '--debug'],
    });
  });

  test('takes help COMMAND for COMMAND --help', () => {
    expect(wordsOf('help run')).toBe('run --help');
    expect(wordsOf('help compose up')).toBe('compose up --help');
    expect(wordsOf('help')).toBeUndefined();
  });

  test('never changes a word', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (rest) => {
        expect(routePassthrough(['exec', ...rest])?.words).toEqual(['exec', ...rest]);
      }),
    );
  });
});
