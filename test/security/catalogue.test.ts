import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { catalogue } from './catalogue.ts';
import { defencesOf } from './row.ts';

const root = join(import.meta.dir, '../..');
const textOf = (...path: readonly string[]) => Bun.file(join(root, ...path)).text();

for (const { id, attack, guards } of catalogue) {
  describe(`${id}: ${attack}`, () => {
    test('is tested', () => expect(guards).not.toHaveLength(0));

    for (const guard of guards) {
      const [file, title] = guard.test;
      test(`fails in ${file}: ${title}`, async () => {
        expect((await textOf('test', file)).includes(title)).toBe(true);
        // Where the defence has moved, `prove.ts` no longer removes it.
        for (const [source, held] of defencesOf(guard)) {
          const pieces = (await textOf('src', source)).split(held);
          expect([source, held, pieces.length - 1]).toEqual([source, held, 1]);
        }
      });
    }
  });
}

test('no attack is in the catalogue twice', () => {
  const ids = catalogue.map(({ id }) => id);
  expect(ids).toEqual([...new Set(ids)]);
});
