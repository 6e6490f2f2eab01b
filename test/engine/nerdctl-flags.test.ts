import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { buildFlags, containerFlags, readFlags } from '../../src/engine/nerdctl-flags.ts';

describe('readFlags()', () => {
  test('reads what belongs to the container as nobody’s flag', () => {
    const args = ['-it', '--rm', '-e', 'A', '--pull=always', '-vx:/x', 'app', '-e', 'B'];
    const { flags, places } = readFlags(args, containerFlags);
    expect(flags.map(({ name, value, at, length }) => [name, value, at, length])).toEqual([
      ['i', undefined, 0, 1],
      ['t', undefined, 0, 1],
      ['rm', undefined, 1, 1],
      ['e', 'A', 2, 2],
      ['pull', 'always', 4, 1],
      ['v', 'x:/x', 5, 1],
    ]);
    expect(places).toEqual([6, 7, 8]);
  });

  test('finds words between flags where they may stand there', () => {
    const { places } = readFlags(['a', '-q', 'b', '-t', 'c', '-', '--', '-d'], buildFlags);
    expect(places).toEqual([0, 2, 5, 7]);
  });

  test('counts every word once', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string(), fc.constantFrom('-t', '-it', '--rm', '-e', '--', 'app'))),
        (args) => {
          for (const rules of [buildFlags, containerFlags]) {
            const { flags, places } = readFlags(args, rules);
            const words = new Map(flags.map(({ at, length }) => [at, length]));
            for (const { at, length } of flags) words.set(at, Math.max(length, words.get(at) ?? 1));
            const taken = [...words.values()].reduce((sum, length) => sum + length, 0);
            const marks = args.includes('--') ? 1 : 0;
            expect(taken + places.length).toBeLessThanOrEqual(args.length);
            expect(taken + places.length).toBeGreaterThanOrEqual(args.length - marks);
          }
        },
      ),
    );
  });
});
