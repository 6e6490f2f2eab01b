import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { jsonFaultLine } from '../../src/credentials/json-fault.ts';

test.each([
  ['{\n  "a": 1,\n}', 3],
  ['{\n  "a": 1\n  "b": 2\n}', 3],
  ['{\n  "a": tru\n}', 2],
  ["{\n  'a': 1\n}", 2],
  ['{\n  "a": [1, 2\n}\n', 3],
  ['{\n  "a": 1\n\n\n', 2],
  ['{}\n{}', 2],
  ['{"a": "\t"}', 1],
  ['', 1],
])('jsonFaultLine(%j) is %i', (text, line) => {
  expect(jsonFaultLine(text)).toBe(line);
});

const isJson = (text: string) => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

test('jsonFaultLine() finds no fault in JSON', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom(undefined, 2, '\t'), (text, indent) => {
      expect(jsonFaultLine(JSON.stringify(JSON.parse(text), null, indent))).toBeUndefined();
    }),
  );
});

test('jsonFaultLine() finds a fault exactly where the runtime does', () => {
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
      expect(jsonFaultLine(text) === undefined).toBe(isJson(text));
    }),
    { numRuns: 2000 },
  );
});

test.each(['{}\v', '{\n}\u00a0', '[]\n\ufeff', '\f{}'])(
  'jsonFaultLine() takes no other white space than JSON has: %j',
  (text) => {
    expect(isJson(text)).toBe(false);
    expect(jsonFaultLine(text)).toBeNumber();
  },
);
