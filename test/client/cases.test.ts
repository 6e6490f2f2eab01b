import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { defencesOf } from '../security/row.ts';
import { cases } from './cases.ts';

const root = join(import.meta.dir, '../..');
const textOf = (...path: readonly string[]) => Bun.file(join(root, ...path)).text();

test('every case has a row, in order', () => {
  expect(cases.map(({ number }) => number)).toEqual(Array.from({ length: 80 }, (_, i) => i + 1));
});

for (const { number, what, guards, byRuntime } of cases) {
  describe(`case ${number}: ${what}`, () => {
    const tests = [...guards.map((guard) => guard.test), ...(byRuntime ? [byRuntime.test] : [])];

    test('is tested', () => expect(tests).not.toHaveLength(0));

    test.each(tests)('in %s: %s', async (file, title) => {
      expect((await textOf('test', file)).includes(title)).toBe(true);
    });

    // Where the mechanism has moved, `prove.ts` no longer switches it off.
    test.each(guards.flatMap(defencesOf))('by %s: %s', async (source, held) => {
      const pieces = (await textOf('src', source)).split(held);
      expect([source, held, pieces.length - 1]).toEqual([source, held, 1]);
    });
  });
}
