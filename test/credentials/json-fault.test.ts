import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { findJsonFault } from '../../src/credentials/json-fault.ts';

test.each([
  ['{\n  "a": 1,\n}', 3, 1, 'a key in double quotes'],
  ['{\n  "a": 1\n  "b": 2\n}', 3, 3, 'a comma or }'],
  ['{\n  "a": tru\n}', 2, 8, 'a value'],
  ["{\n  'a': 1\n}", 2, 3, 'a key in double quotes or }'],
  ['{\n  "a": [1, 2\n}\n', 3, 1, 'a comma or ]'],
  ['{"ä🎉": 1 "b"}', 1, 10, 'a comma or }'],
  ['{"a" 1}', 1, 6, 'a colon'],
  ['{\n  "a": 1\n\n\n', 2, 9, 'a comma or }'],
  ['{}\n{}', 2, 1, 'nothing more'],
  ['{"a": "\t"}', 1, 7, 'a value'],
  ['{"a": [,]}', 1, 8, 'a value or ]'],
  ['', 1, 1, 'a value'],
])('findJsonFault(%j) is in line %i, column %i, and expects %s', (text, line, column, expected) => {
  expect(findJsonFault(text)).toEqual({ line, column, expected });
});

test.each([
  ['characters', 'x'.repeat(900_000)],
  ['escapes', '\\n'.repeat(400_000)],
])('findJsonFault() finds the fault behind a long string of %s', (_, long) => {
  expect(findJsonFault(`{"a":"${long}" 1}`)?.column).toBe(long.length + 9);
});

const isJson = (text: string) => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

test('findJsonFault() finds no fault in JSON', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom(undefined, 2, '\t'), (text, indent) => {
      expect(findJsonFault(JSON.stringify(JSON.parse(text), null, indent))).toBeUndefined();
    }),
  );
});

test('findJsonFault() finds a fault exactly where the runtime does', () => {
  const noise = fc.array(
    fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '1',
      '-',
      'null',
      '\n',
      '"',
      '\\',
      '0',
      'e5',
      '.5',
    ),
  );
  fc.assert(
    fc.property(noise, (parts) => {
      const text = parts.join('');
      expect(findJsonFault(text) === undefined).toBe(isJson(text));
    }),
    { numRuns: 2000 },
  );
});

test.each(['{}\v', '{\n}\u00a0', '[]\n\ufeff', '\f{}'])(
  'findJsonFault() takes no other white space than JSON has: %j',
  (text) => {
    expect(isJson(text)).toBe(false);
    expect(findJsonFault(text)).toBeDefined();
  },
);
