import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { FinchError } from '../../src/errors.ts';
import { TypedLine } from '../../src/host/typed-line.ts';

describe('TypedLine', () => {
  const encode = (text: string) => new TextEncoder().encode(text);

  test('says where the line ends, and keeps what was typed before', () => {
    const line = new TypedLine();
    expect(line.type(encode('ab'))).toBeUndefined();
    expect(line.type(encode('c\rnext'))).toEqual({ by: 'line', length: 2 });
    expect(line.text).toBe('abc');
  });

  test('leaves out what arrow keys send', () => {
    const line = new TypedLine();
    line.type(encode('a\x1b[Ab\x1bOCc\x1b[1;5Dd'));
    expect(line.text).toBe('abcd');
  });

  test('takes back whole characters, and nothing at the start', () => {
    const line = new TypedLine();
    line.type(encode('\x7fx€\x7f\x7f\x7fy'));
    expect(line.text).toBe('y');
  });

  test('ends the input with ctrl-D only at the start', () => {
    expect(new TypedLine().type(encode('a\x04b'))).toBeUndefined();
    expect(new TypedLine().type(encode('\x04'))).toEqual({ by: 'end', length: 1 });
  });

  test('is given up with ctrl-C, ctrl-Z and ctrl-backslash', () => {
    for (const key of ['\x03', '\x1a', '\x1c']) {
      expect(new TypedLine().type(encode(`a${key}b`))).toEqual({ by: 'interrupt', length: 2 });
    }
  });

  test('refuses a line of more than 64 KiB', () => {
    expect(() => new TypedLine().type(encode('x'.repeat(65 * 1024)))).toThrow(FinchError);
  });

  test('keeps any printable text, however it is cut', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(), (text, cut) => {
        const printable = text.replace(/\p{Cc}/gu, '');
        const bytes = encode(printable);
        const line = new TypedLine();
        line.type(bytes.subarray(0, cut % (bytes.length + 1)));
        line.type(bytes.subarray(cut % (bytes.length + 1)));
        expect(line.text).toBe(printable);
      }),
    );
  });
});
