import { expect, test } from 'bun:test';
import { goTimeFormat } from '../../src/cli/go-time.ts';

const SUMMER = new Date('2021-08-06T17:19:45Z');
const WINTER = new Date('2021-01-06T00:00:05Z');

test('goTimeFormat() gives date, time, offset and abbreviation', () => {
  expect(goTimeFormat('Asia/Tokyo')(SUMMER)).toBe('2021-08-07 02:19:45 +0900 JST');
  expect(goTimeFormat('America/New_York')(SUMMER)).toBe('2021-08-06 13:19:45 -0400 EDT');
  expect(goTimeFormat('Europe/Paris')(WINTER)).toBe('2021-01-06 01:00:05 +0100 CET');
  expect(goTimeFormat('Europe/London')(WINTER)).toBe('2021-01-06 00:00:05 +0000 GMT');
  expect(goTimeFormat('UTC')(WINTER)).toBe('2021-01-06 00:00:05 +0000 UTC');
});

test('goTimeFormat() names a zone without an abbreviation by its offset', () => {
  expect(goTimeFormat('America/Sao_Paulo')(SUMMER)).toBe('2021-08-06 14:19:45 -0300 -03');
  expect(goTimeFormat('Asia/Kathmandu')(SUMMER)).toBe('2021-08-06 23:04:45 +0545 +0545');
});

test('goTimeFormat() rounds to the second', () => {
  expect(goTimeFormat('UTC')(new Date('2021-12-31T23:59:59.500Z'))).toBe(
    '2022-01-01 00:00:00 +0000 UTC',
  );
});

test("goTimeFormat() uses this machine's zone when none is given", () => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  expect(goTimeFormat()(SUMMER)).toBe(goTimeFormat(zone)(SUMMER));
});
