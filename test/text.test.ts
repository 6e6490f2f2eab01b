import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { excerpt, printable, quote } from '../src/text.ts';

test('quote() keeps control characters, changes of direction and endless names out of messages', () => {
  expect(quote('a"\n\u001b[31m\u009bb\u202e')).toBe('"a\\"\\n\\u001b[31m b"');
  expect(quote('x'.repeat(1000)).length).toBeLessThan(210);
});

test('excerpt() does so without quotes', () => {
  expect(excerpt('a\u001b[31m\u202eb')).toBe('a [31mb');
  expect(excerpt('x'.repeat(1000))).toBe(`${'x'.repeat(200)}…`);
});

test('printable() leaves nothing that moves a cursor or begins a line', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(printable(text)).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u);
    }),
  );
});
