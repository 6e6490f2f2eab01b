import { expect, test } from 'bun:test';
import { openDebugLog } from '../../src/cli/debug-log.ts';

/** What goes to stderr when two lines are traced, and how many of them were made for it. */
function traced(argv: readonly string[]): { readonly text: string; readonly made: number } {
  const written: string[] = [];
  let made = 0;
  const stderr = { write: (text: string) => void written.push(text) };
  const log = openDebugLog(argv, { env: {}, now: () => new Date(0), stderr });
  log.trace('one');
  log.trace(() => {
    made += 1;
    return 'two\nthree';
  });
  return { text: written.join(''), made };
}

test('openDebugLog() has a line made that takes work where somebody reads it, and not else', () => {
  expect(traced(['push', '--debug'])).toEqual({
    text: 'debug: one\ndebug: two three\n',
    made: 1,
  });
  expect(traced(['push'])).toEqual({ text: '', made: 0 });
});
