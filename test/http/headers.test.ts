import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { nextLink } from '../../src/http/link.ts';
import { contentRangeStart, receivedBytes } from '../../src/http/range.ts';
import { askedWaitMs, retryAfterMs } from '../../src/http/retry-after.ts';
import { parseWarnings } from '../../src/http/warnings.ts';

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
  ['0-99/200', 100],
  ['0-99/*', 100],
  ['', undefined],
  [null, undefined],
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
  ['5.5', 5500],
  ['+5', undefined],
  ['1e3', undefined],
  ['0x10', undefined],
  ['', undefined],
  ['Thursday, 01-Jan-26 00:00:30 GMT', 30_000],
  ['Thu Jan  1 00:00:30 2026', 30_000],
  ['2026-01-01T00:00:30Z', 30_000],
  ['2026-01-01T01:00:30+01:00', 30_000],
  [String(now / 1000 + 30), 30_000],
  [String(now + 30_000), 30_000],
  [String(now / 1000 - 30), 0],
  ['999999999', 999_999_999_000],
  ['Thu, 99 Foo 2026', undefined],
  ['soon', undefined],
  [null, undefined],
])('retryAfterMs() of %j', (header, ms) => {
  expect(retryAfterMs(header, now)).toBe(ms as number);
});

test('X-Retry-After counts where Retry-After is missing or means nothing', () => {
  const asked = (init: Record<string, string>) => askedWaitMs(new Headers(init), now);
  expect(asked({ 'x-retry-after': String(now / 1000 + 7) })).toBe(7000);
  expect(asked({ 'retry-after': '3', 'x-retry-after': '7' })).toBe(3000);
  expect(asked({ 'retry-after': '-1', 'x-retry-after': '7' })).toBe(7000);
  expect(asked({})).toBeUndefined();
});

test('a wait that is read is never negative, and any number of seconds and any date is read', () => {
  fc.assert(fc.property(fc.string(), (text) => (retryAfterMs(text, now) ?? 0) >= 0));
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 999_999_999 }), (seconds) => {
      expect(retryAfterMs(String(seconds), now)).toBe(seconds * 1000);
    }),
  );
  const max = new Date('9999-12-31');
  fc.assert(
    fc.property(fc.date({ min: new Date(now), max, noInvalidDate: true }), (date) => {
      const ms = Math.floor(date.getTime() / 1000) * 1000 - now;
      expect(retryAfterMs(date.toUTCString(), now)).toBe(ms);
    }),
  );
});

test.each([
  ['299 - "text"', ['text']],
  ['299 - "one", 299 - "two"', ['one', 'two']],
  ['299 - "with \\"quotes\\" and \\\\"', ['with "quotes" and \\']],
  ['299 - "a, b",199 - "other", 299 -  "c"', ['a, b', 'c']],
  ['299 registry "not the agent"', []],
  ['299 - unquoted', []],
  ['1299 - "no"', []],
  ['299 - "never ends', []],
  ['299 - ""', []],
  ['', []],
])('parseWarnings() of %j', (header, texts) => {
  expect(parseWarnings(header)).toEqual(texts);
});

test('parseWarnings() finds every text, whatever is in it', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ minLength: 1 })), (texts) => {
      const quoted = texts.map((text) => `299 - "${text.replace(/["\\]/g, '\\$&')}"`);
      expect(parseWarnings(quoted.join(', '))).toEqual(texts.filter((text) => text.trim() !== ''));
    }),
  );
});

test('header parsers never throw', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      nextLink(text);
      receivedBytes(text);
      contentRangeStart(text);
      retryAfterMs(text, now);
      parseWarnings(text);
    }),
  );
});
