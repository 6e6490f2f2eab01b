import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { editYaml } from '../../src/config/edit-yaml.ts';
import { parseYaml } from '../../src/config/parse-yaml.ts';
import { valueAt } from '../../src/config/written-values.ts';
import { setIn, valuesIn } from './set-in.ts';

describe('a value in flow style', () => {
  test('in flow style over lines keeps its neighbours, each with its note', () => {
    const layout = fc.record({
      old: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1 }),
      wanted: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 1 }),
      comma: fc.constantFrom(', # @\n', ' # @\n,', ',\n # above\n', ', ', ', # @\n # above\n'),
      end: fc.constantFrom('', ',', ', # @\n', ' # @\n', '\n', ' # @\n # last\n'),
      isMap: fc.boolean(),
      quote: fc.constantFrom('', '"', "'"),
    });
    fc.assert(
      fc.property(layout, ({ old, wanted, comma, end, isMap, quote }) => {
        const item = (name: string, i: number) => {
          const behind = i < old.length - 1 ? comma : end;
          return `${quote}${name}${quote}${behind.replace('@', `of ${name}`)}`;
        };
        const list = old.map(item).join('');
        const text = isMap
          ? `{z: 1, # z\n creds_helpers: [${list}]}\n`
          : `creds_helpers: [\n  ${list}] # list\n`;
        // The note of an item goes with it, and no other.
        const notes = (source: string) =>
          (source.match(/# .*/g) ?? []).filter((note) => {
            const [, of] = /^# of (\w)/.exec(note) ?? [];
            return of === undefined || wanted.some((one) => one === of);
          });
        try {
          const after = setIn(text, 'creds_helpers', ...wanted);
          expect(valuesIn(after, 'creds_helpers')).toEqual(wanted);
          const kept = old.filter((name) => wanted.includes(name));
          if (wanted.slice(0, kept.length).join() === kept.join()) {
            expect(notes(after)).toEqual(notes(text));
          }
        } catch (error) {
          expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
        }
      }),
      { numRuns: 400 },
    );
  });

  test('is set in and taken out of a flow map over lines, and the notes of all others stay', () => {
    const keys = ['cpus', 'memory', 'rosetta', 'x'];
    const behind = (comma: string) =>
      fc
        .constantFrom('', ' # of @\n', '\n', '\n # above\n')
        .chain((before) =>
          fc
            .constantFrom('', ' ', ' # of @\n', '\n', ' # of @\n # above\n', '\n\n\t')
            .map((after) => `${before}${comma}${after}`),
        );
    const layout = fc.record({
      used: fc.uniqueArray(fc.constantFrom(...keys), { minLength: 1 }),
      separators: fc.array(behind(','), { minLength: 4, maxLength: 4 }),
      start: fc.constantFrom('{', '{ ', '{ # head\n ', '{\n  # head\n  '),
      end: fc.constantFrom(behind(''), behind(',')).chain((one) => one),
      quote: fc.constantFrom('', '"'),
      change: fc.constantFrom(...keys),
      isUnset: fc.boolean(),
      isNested: fc.boolean(),
    });
    fc.assert(
      fc.property(layout, ({ used, separators, start, end, quote, change, isUnset, isNested }) => {
        const entries = used.map((key, i) => {
          const after = i === used.length - 1 ? end : (separators[i] ?? ',');
          return `${quote}${key}${quote}: ${quote}1g${quote}${after.replaceAll('@', key)}`;
        });
        const map = `${start}${entries.join('')}}`;
        const text = isNested ? `a: ${map} # behind\n` : `${map} # behind\n`;
        const path = isNested ? ['a', change] : [change];
        const edit = { path, value: isUnset ? undefined : '8g' };
        fc.pre(isYaml(text));
        const before = parseYaml(text, '').value;
        try {
          const after = editYaml(text, [edit], 'finch.yaml');
          const now = parseYaml(after, '').value;
          expect(valueAt(now, path)).toBe(isUnset ? undefined : '8g');
          for (const key of used) {
            const place = isNested ? ['a', key] : [key];
            if (key !== change) expect(valueAt(now, place)).toEqual(valueAt(before, place));
          }
          // With the last entry goes what belongs to it.
          if (isUnset && isNested && used.join() === change) return;
          const notes = (source: string) =>
            (source.match(/# .*/g) ?? []).filter((note) => !isUnset || note !== `# of ${change}`);
          expect(notes(after)).toEqual(notes(text));
        } catch (error) {
          expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
        }
      }),
      { numRuns: 600 },
    );
  });
});

function isYaml(text: string): boolean {
  try {
    parseYaml(text, '');
    return true;
  } catch {
    return false;
  }
}
