import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { formatSize, parseSize } from '../../src/config/size.ts';

const GIB = 1024 ** 3;

describe('parseSize()', () => {
  test.each([
    ['4GiB', 4 * GIB],
    ['4g', 4 * GIB],
    ['4 GB', 4 * GIB],
    ['512m', 512 * 1024 ** 2],
    ['1.5GiB', 1.5 * GIB],
    ['.5k', 512],
    ['7.', 7],
    ['100', 100],
    ['100b', 100],
    ['0GiB', 0],
    ['2T', 2 * 1024 * GIB],
  ])('reads %s as Docker does', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  test.each([
    '',
    'GiB',
    '-4GiB',
    '4 GiBs',
    '4xb',
    '4gbi',
    '4bb',
    '4  g',
    ' 4g',
    '1e3',
    '9999P',
    '4Ω',
  ])('finds no size in %p', (text) => {
    expect(parseSize(text)).toBeUndefined();
  });
});

describe('formatSize()', () => {
  test.each([
    [0, '0B'],
    [1023, '1023B'],
    [4 * GIB, '4GiB'],
    [8_359_395_328, '7.785GiB'],
    [512 * 1024 ** 2, '512MiB'],
  ])('shows %d bytes as Docker does', (bytes, text) => {
    expect(formatSize(bytes)).toBe(text);
  });

  test('shows what parseSize() reads, to four digits', () => {
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 50 }), (bytes) => {
        const again = parseSize(formatSize(bytes)) ?? Number.NaN;
        expect(Math.abs(again - bytes)).toBeLessThanOrEqual(bytes * 0.001);
      }),
    );
  });
});
