import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { nextLink } from '../../src/http/link.ts';
import { contentRangeStart, receivedBytes } from '../../src/http/range.ts';
import { retryAfterMs } from '../../src/http/retry-after.ts';

test.each([
  ['</v2/a/tags/list?last=b&n=2>; rel="next"', '/v2/a/tags/list?last=b&n=2'],
  ['<https://r.test/x>; rel=next', 'https://r.test/x'],
  ['</first>; rel="first", </next>; title="a, b"; rel="prev next"', '/next'],
  ['</a>; REL=NEXT', '/a'],
  ['</a>; rel="prev"', undefined],
  ['</a>', undefined],
  ['rel="next"', undefined],
  [null, undefined],
])('nextLink() of %j', (header, target) => {
  expect(nextLink(header)).toBe(target as string);
});

test('nextLink() is quick with a header that only begins links', () => {
  expect(nextLink('<'.repeat(200_000))).toBeUndefined();
  expect(nextLink('<a>; rel="'.repeat(20_000))).toBeUndefined();
});

test.each([
  ['0-99', 100],
  ['bytes=0-99', 100],
  ['0-1', 2],
  ['0-0', 0],
  ['0--1', 0],
  ['', 0],
  [null, 0],
  ['5-99', undefined],
  ['0-x', undefined],
])('receivedBytes() of the upload range %j', (header, bytes) => {
  expect(receivedBytes(header)).toBe(bytes as number);
});

test.each([
  ['bytes 10-99/100', 10],
  ['bytes 0-0/*', 0],
  ['bytes */100', undefined],
  [null, undefined],
])('contentRangeStart() of %j', (header, start) => {
  expect(contentRangeStart(header)).toBe(start as number);
});

const now = Date.parse('2026-01-01T00:00:00Z');

test.each([
  ['120', 120_000],
  [' 0 ', 0],
  ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
  ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
  ['-1', undefined],
  ['5.5', undefined],
  ['soon', undefined],
  [null, undefined],
])('retryAfterMs() of %j', (header, ms) => {
  expect(retryAfterMs(header, now)).toBe(ms as number);
});

test('header parsers never throw', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      nextLink(text);
      receivedBytes(text);
      contentRangeStart(text);
      retryAfterMs(text, now);
    }),
  );
});
