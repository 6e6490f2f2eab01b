import { describe, expect, test } from 'bun:test';
import { anything, property, uint8Array } from 'fast-check';
import { isJsonObject, parseJsonObject, refuseOtherCase, stringMap } from '../../src/oci/json.ts';
import { check, expectOnlyFinchErrors, finchErrorOf } from './arbitraries.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('parseJsonObject()', () => {
  test('reads an object', () => {
    expect(parseJsonObject(bytes('{"a":[1,"é"]}'), 'x')).toEqual({ a: [1, 'é'] });
  });

  test.each(['', '{', 'null', '[]', '"x"', '1', '{"a":1}x', "{'a':1}"])('refuses %j', (text) => {
    const error = finchErrorOf(() => parseJsonObject(bytes(text), 'index x'));
    expect(error.code).toBe('DOCUMENT_INVALID');
    expect(error.message).toStartWith('index x is not ');
  });

  test('refuses bytes that are no UTF-8', () => {
    const broken = Uint8Array.from([...bytes('{"a":"'), 0xff, ...bytes('"}')]);
    expect(finchErrorOf(() => parseJsonObject(broken, 'x')).code).toBe('DOCUMENT_INVALID');
  });

  test('refuses a key that comes twice and a byte order mark', () => {
    const error = finchErrorOf(() => parseJsonObject(bytes('{"a":{"b":1,"b":1}}'), 'index x'));
    expect(error.message).toBe('index x has the member "b" twice');
    expect(error.hint).toContain('get it again');
    expect(finchErrorOf(() => parseJsonObject(bytes('\ufeff{}'), 'x')).message).toBe(
      'x is not JSON',
    );
  });

  test('refuses a list inside a list a million times without harm', () => {
    const deep = `{"a":${'['.repeat(1_000_000)}`;
    expect(finchErrorOf(() => parseJsonObject(bytes(deep), 'x')).code).toBe('DOCUMENT_INVALID');
  });

  test('throws nothing but FinchError', () => {
    check(
      property(uint8Array(), (noise) => expectOnlyFinchErrors(() => parseJsonObject(noise, 'x'))),
    );
  });
});

describe('isJsonObject()', () => {
  test.each([
    [{}, true],
    [[], false],
    [null, false],
    ['x', false],
    [undefined, false],
  ])('%j: %p', (value, is) => {
    expect(isJsonObject(value)).toBe(is);
  });
});

describe('refuseOtherCase()', () => {
  const keys = new Set(['layers', 'mediaType']);

  test.each(['Layers', 'LAYERS', 'mediatype', 'layer\u017f'])('refuses %s', (key) => {
    const error = finchErrorOf(() => refuseOtherCase({ [key]: 1 }, keys, 'manifest x'));
    expect(error.code).toBe('DOCUMENT_INVALID');
    expect(error.message).toStartWith('manifest x has ');
  });

  test('takes the keys themselves, and others', () => {
    refuseOtherCase({ layers: 1, mediaType: 2, Layer: 3, media_type: 4 }, keys, 'manifest x');
  });
});

describe('stringMap()', () => {
  test('keeps the members that are texts', () => {
    expect(stringMap({ a: 'b', c: 1, d: null, e: {} })).toEqual({ a: 'b' });
    expect(stringMap(null)).toBeUndefined();
    expect(stringMap(['a'])).toBeUndefined();
  });

  test('takes anything', () => {
    check(
      property(anything(), (value) => {
        expect(
          Object.values(stringMap(value) ?? {}).every((text) => typeof text === 'string'),
        ).toBe(true);
      }),
    );
  });
});
