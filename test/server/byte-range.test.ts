import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { parseContentRange, parseRange } from '../../src/server/byte-range.ts';

test('parseRange() reads one range of any form', () => {
  expect(parseRange('bytes=2-5', 10)).toEqual({ start: 2, end: 6 });
  expect(parseRange('bytes=2-', 10)).toEqual({ start: 2, end: 10 });
  expect(parseRange('bytes=-3', 10)).toEqual({ start: 7, end: 10 });
  expect(parseRange('bytes=-30', 10)).toEqual({ start: 0, end: 10 });
  expect(parseRange('bytes=5-99', 10)).toEqual({ start: 5, end: 10 });
});

test('parseRange() says when the content has no such bytes', () => {
  for (const range of ['bytes=10-', 'bytes=5-0', 'bytes=-0', 'bytes=99-100']) {
    expect(parseRange(range, 10)).toBe('unsatisfiable');
  }
});

test('parseRange() ignores what is no single range of bytes', () => {
  for (const range of [null, '', 'bytes=', 'bytes=-', 'bytes=a-b', 'bytes=0-1,3-4', 'lines=0-1']) {
    expect(parseRange(range, 10)).toBeUndefined();
  }
});

test('parseRange() never leaves the content', () => {
  const number = fc.option(fc.nat(), { nil: undefined });
  fc.assert(
    fc.property(number, number, fc.nat(), (first, last, size) => {
      const range = parseRange(`bytes=${first ?? ''}-${last ?? ''}`, size);
      if (range === undefined || range === 'unsatisfiable') return;
      expect(range.start).toBeGreaterThanOrEqual(0);
      expect(range.start).toBeLessThan(range.end);
      expect(range.end).toBeLessThanOrEqual(size);
    }),
  );
});

test('parseContentRange() reads the form of the specification and that of HTTP', () => {
  expect(parseContentRange('0-9')).toEqual({ start: 0, end: 10 });
  expect(parseContentRange('bytes 5-5/*')).toEqual({ start: 5, end: 6 });
});

test('parseContentRange() refuses everything else', () => {
  for (const range of ['', '-', '5-', '-5', '5-4', '0-99999999999999999999', '1-2-3', 'a-b']) {
    expect(parseContentRange(range)).toBeUndefined();
  }
});
