import { describe, expect, test } from 'bun:test';
import { formatAge, formatBytes, formatTimeLeft } from '../src/humanize.ts';

test('formatBytes() has one decimal and a unit of base 1024', () => {
  const sizes: readonly (readonly [bytes: number, text: string])[] = [
    [0, '0.0 B'],
    [1, '1.0 B'],
    [1023, '1023.0 B'],
    [1024, '1.0 KiB'],
    [1_032_602, '1008.4 KiB'],
    [1_048_575, '1024.0 KiB'],
    [1_048_576, '1.0 MiB'],
    [1_887_437, '1.8 MiB'],
    [4 * 1024 ** 3, '4.0 GiB'],
    [1.5 * 1024 ** 4, '1.5 TiB'],
    [2 * 1024 ** 5, '2.0 PiB'],
    [Number.MAX_SAFE_INTEGER, '8.0 PiB'],
    [5000 * 1024 ** 5, '5000.0 PiB'],
  ];
  for (const [bytes, text] of sizes) expect(formatBytes(bytes)).toBe(text);
});

test("formatAge() says what go-units' HumanDuration says", () => {
  const second = 1000;
  const minute = 60 * second;
  const hour = 60 * minute;
  const day = 24 * hour;
  const week = 7 * day;
  const month = 30 * day;
  const year = 365 * day;
  const ages: readonly (readonly [ms: number, text: string])[] = [
    [-5 * minute, 'Less than a second'],
    [0, 'Less than a second'],
    [999, 'Less than a second'],
    [second, '1 second'],
    [1999, '1 second'],
    [3 * second, '3 seconds'],
    [59 * second + 999, '59 seconds'],
    [minute, 'About a minute'],
    [2 * minute - 1, 'About a minute'],
    [3 * minute, '3 minutes'],
    [35 * minute + 40 * second, '35 minutes'],
    [hour - 1, '59 minutes'],
    [hour, 'About an hour'],
    [hour + 29 * minute, 'About an hour'],
    [hour + 31 * minute, '2 hours'],
    [3 * hour + 29 * minute, '3 hours'],
    [3 * hour + 59 * minute, '4 hours'],
    [day, '24 hours'],
    [day + 12 * hour, '36 hours'],
    [2 * day, '2 days'],
    [13 * day + 5 * hour, '13 days'],
    [2 * week, '2 weeks'],
    [2 * week + 4 * day, '2 weeks'],
    [4 * week + 3 * day, '4 weeks'],
    [month, '4 weeks'],
    [month + 2 * week, '6 weeks'],
    [2 * month, '2 months'],
    [5 * month + 2 * week, '5 months'],
    [13 * month, '13 months'],
    [24 * month, '24 months'],
    [24 * month + 2 * week, '2 years'],
    [3 * year + 2 * month, '3 years'],
  ];
  for (const [ms, text] of ages) expect(formatAge(ms)).toBe(text);
});

describe('formatTimeLeft()', () => {
  test.each([
    [0, '1 s'],
    [1, '1 s'],
    [11_001, '12 s'],
    [59_500, '1 min'],
    [200_000, '3 min 20 s'],
    [600_000, '10 min'],
    [3_599_000, '59 min'],
    [7_500_000, '2 h 5 min'],
    [7_200_000, '2 h'],
    [4 * 86_400_000, '4 days'],
  ])('shows %d ms as %j', (ms, text) => {
    expect(formatTimeLeft(ms)).toBe(text);
  });

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 101 * 86_400_000])('shows no %d', (ms) => {
    expect(formatTimeLeft(ms)).toBeUndefined();
  });
});
