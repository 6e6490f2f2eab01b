import { describe, expect, test } from 'bun:test';
import { array, dictionary, jsonValue, letrec, property, string, tuple } from 'fast-check';
import { strictJsonFault as faultIn } from '../../src/oci/strict-json.ts';
import { check } from './arbitraries.ts';

const strictJsonFault = (text: string) => faultIn(text, 200_000);

/** A JSON value as its writer meant it: an object is a list of members, in which a key may come twice. */
type Written = string | readonly Written[] | { readonly members: readonly [string, Written][] };

const written = letrec<{ value: Written; list: Written; object: Written; text: Written }>(
  (tie) => ({
    value: tie('text'),
    text: string({ unit: 'binary', maxLength: 6 }),
    list: array(tie('object'), { maxLength: 3 }),
    object: array(tuple(string({ maxLength: 1 }), tie('text')), { maxLength: 4 }).map(
      (members) => ({ members }),
    ),
  }),
);

function textOf(value: Written): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (!('members' in value)) return `[${value.map(textOf).join(' , ')}]`;
  const members = value.members.map(([key, inner]) => `${escaped(key)} : ${textOf(inner)}`);
  return `{ ${members.join(',')} }`;
}

/** The key with every character written as an escape, which means the same. */
function escaped(key: string): string {
  if (key.length % 2 === 0) return JSON.stringify(key);
  return `"${[...key].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}"`;
}

function hasTwice(value: Written): boolean {
  if (typeof value === 'string') return false;
  if (!('members' in value)) return value.some(hasTwice);
  const keys = value.members.map(([key]) => key);
  return new Set(keys).size < keys.length || value.members.some(([, inner]) => hasTwice(inner));
}

describe('strictJsonFault()', () => {
  test.each([
    ['{"a":1,"a":1}', 'has the member "a" twice'],
    ['{"a":1,"\\u0061":1}', 'has the member "a" twice'],
    ['{"x":[{"a":{},"b":"a","a":2}]}', 'has the member "a" twice'],
    ['{"a\\"":1,"b":"}","a\\"":1}', 'has the member "a\\"" twice'],
    ['{"":1,"":1}', 'has the member "" twice'],
    ['{"__proto__":1,"__proto__":1}', 'has the member "__proto__" twice'],
    [`[${'1,'.repeat(200_000)}1]`, 'has more than 200000 values'],
    [`[${'[],'.repeat(100_000)}[]]`, 'has more than 200000 values'],
    ['['.repeat(101), 'is nested deeper than 100 levels'],
  ])('finds what is wrong with %.40s', (text, fault) => {
    expect(strictJsonFault(text)).toBe(fault);
  });

  test.each([
    '{"a":{"a":["a","a",{"a":"a"}]},"A":"a"}',
    '[{"a":1},{"a":1}]',
    '{"a":"\\\\","b":"\\",\\"a\\":1"}',
    '"a"',
    '['.repeat(100) + ']'.repeat(100),
    `[${'1,'.repeat(199_000)}1]`,
    `{"a":"${',['.repeat(1_000_000)}"}`,
  ])('finds nothing wrong with %.40s', (text) => {
    expect(strictJsonFault(text)).toBeUndefined();
  });

  test('finds nothing wrong with what JSON.stringify writes', () => {
    check(
      property(jsonValue({ maxDepth: 5 }), dictionary(string(), jsonValue()), (value, object) => {
        expect(strictJsonFault(JSON.stringify(value))).toBeUndefined();
        expect(strictJsonFault(JSON.stringify(object, undefined, 2))).toBeUndefined();
      }),
    );
  });

  test('finds a key that comes twice wherever it is, and no other', () => {
    check(
      property(array(written.object), (values) => {
        expect(strictJsonFault(textOf(values)) !== undefined).toBe(hasTwice(values));
      }),
    );
  });

  test('takes any text', () => {
    check(
      property(array(string({ unit: 'binary' })), (parts) => {
        const fault = strictJsonFault(parts.join('"'));
        expect(fault ?? 'has the member').toMatch(/^has the member|^is nested|^has more/);
      }),
    );
  });

  test.each([
    '"'.repeat(2_000_001),
    '\\'.repeat(2_000_000),
    '{"'.repeat(1_000_000),
    ']'.repeat(2e6),
  ])('comes to an end with two million of the same', (text) => {
    strictJsonFault(text);
  });
});
