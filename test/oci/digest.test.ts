import { describe, expect, test } from 'bun:test';
import { anything, constantFrom, property, string, uint8Array } from 'fast-check';
import {
  digestOf,
  digestParts,
  isDigest,
  parseDigest,
  shortId,
  toDigest,
} from '../../src/oci/digest.ts';
import { check, digests, expectOnlyFinchErrors, finchErrorOf } from './arbitraries.ts';

const EMPTY_256 = 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const EMPTY_512 =
  'sha512:cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce' +
  '47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e';

describe('digestOf()', () => {
  test('gives the known digests of no bytes', () => {
    expect(`${digestOf(new Uint8Array())}`).toBe(EMPTY_256);
    expect(`${digestOf(new Uint8Array(), 'sha512')}`).toBe(EMPTY_512);
  });

  test('always gives a digest that parses, of the algorithm that was asked for', () => {
    check(
      property(uint8Array(), constantFrom('sha256', 'sha512'), (bytes, algorithm) => {
        const digest = digestOf(bytes, algorithm);
        expect(parseDigest(`${digest}`)).toBe(digest);
        expect(digestParts(digest).algorithm).toBe(algorithm);
      }),
    );
  });
});

describe('parseDigest()', () => {
  const hex = EMPTY_256.slice('sha256:'.length);
  test.each([
    ['', 'nothing'],
    [hex, 'no algorithm'],
    [`sha256:${hex.toUpperCase()}`, 'upper case'],
    [`sha256:${hex.slice(1)}`, 'a digit too few'],
    [`sha256:${hex}0`, 'a digit too many'],
    [`sha512:${hex}`, 'the length of another algorithm'],
    [`md5:${hex}`, 'an unknown algorithm'],
    [`SHA256:${hex}`, 'an algorithm in upper case'],
    [`sha256:${hex}\n`, 'a line break at the end'],
    [` sha256:${hex}`, 'a space in front'],
    ['sha256:../../../../etc/passwd', 'a path'],
  ])('refuses %j: %s', (text) => {
    expect(isDigest(text)).toBe(false);
    const error = finchErrorOf(() => parseDigest(text));
    expect(error.code).toBe('DIGEST_INVALID');
    expect(error.hint).toBeDefined();
  });

  test('refuses what is no text', () => {
    for (const value of [undefined, null, 7, [], {}, { toString: 0 }] as const) {
      const { message } = finchErrorOf(() => parseDigest(value));
      expect(message).toBe(`a value of type ${typeof value} is not a digest`);
    }
  });

  test('throws nothing but FinchError', () => {
    check(property(anything(), (value) => expectOnlyFinchErrors(() => parseDigest(value))));
    check(
      property(string({ unit: 'binary' }), (text) =>
        expectOnlyFinchErrors(() => parseDigest(`sha256:${text}`)),
      ),
    );
  });
});

describe('digestParts()', () => {
  test('takes apart what toDigest() puts together', () => {
    check(
      property(digests, (digest) => {
        const { algorithm, hex } = digestParts(digest);
        expect(toDigest(algorithm, hex)).toBe(digest);
      }),
    );
  });
});

describe('shortId()', () => {
  test('is the first 12 hexadecimal digits', () => {
    expect(shortId(parseDigest(EMPTY_256))).toBe('e3b0c44298fc');
    expect(shortId(parseDigest(EMPTY_512))).toBe('cf83e1357eef');
  });
});
