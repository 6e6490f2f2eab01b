import { expect, describe as suite, test } from 'bun:test';
import { anything, property } from 'fast-check';
import { describe, parseDescriptor } from '../../src/oci/descriptor.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { check, descriptors, expectOnlyFinchErrors, finchErrorOf } from './arbitraries.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const good = { mediaType: 'application/x', digest, size: 1 };

suite('parseDescriptor()', () => {
  test('reads every member that finch knows', () => {
    const platform = { os: 'linux', architecture: 'arm', variant: 'v7' };
    const annotations = { a: 'b' };
    const all = { ...good, platform, annotations, artifactType: 'application/y' };
    expect<object>(parseDescriptor(all, 'layer 1')).toEqual(all);
  });

  test('leaves out what is empty, unknown or of the wrong type', () => {
    const noise = {
      platform: {},
      annotations: null,
      artifactType: '',
      urls: ['https://x'],
      data: '',
    };
    expect<object>(parseDescriptor({ ...good, ...noise }, 'layer 1')).toEqual(good);
    const mixed = parseDescriptor({ ...good, annotations: { a: 'b', c: 1 } }, 'layer 1');
    expect(mixed.annotations).toEqual({ a: 'b' });
  });

  test.each([
    ['null', null],
    ['a list', []],
    ['a text', 'sha256:…'],
    ['no mediaType', { ...good, mediaType: undefined }],
    ['an empty mediaType', { ...good, mediaType: '' }],
    ['a mediaType of two lines', { ...good, mediaType: 'a/b\r\nHost: c' }],
    ['an endless mediaType', { ...good, mediaType: 'a/b'.repeat(100) }],
    ['a key in other case', { ...good, Digest: digest }],
    ['no digest', { ...good, digest: undefined }],
    ['a short digest', { ...good, digest: 'sha256:abc' }],
    ['an unknown algorithm', { ...good, digest: `md5:${'a'.repeat(32)}` }],
    ['a path as digest', { ...good, digest: '../../etc/passwd' }],
    ['no size', { ...good, size: undefined }],
    ['a size below 0', { ...good, size: -1 }],
    ['an endless size', { ...good, size: Number.POSITIVE_INFINITY }],
    ['half a byte', { ...good, size: 1.5 }],
    ['a size as text', { ...good, size: '1' }],
    ['a size that a double cannot hold', { ...good, size: 2 ** 53 }],
  ])('refuses %s and names the place', (_, value) => {
    const error = finchErrorOf(() => parseDescriptor(value, 'layer 2 of manifest x'));
    expect(error.code).toBe('DOCUMENT_INVALID');
    expect(error.message).toStartWith('layer 2 of manifest x ');
  });

  test('reads back what JSON holds', () => {
    check(
      property(descriptors, (descriptor) => {
        expect(parseDescriptor(JSON.parse(JSON.stringify(descriptor)), 'x')).toEqual(descriptor);
      }),
    );
  });

  test('throws nothing but FinchError', () => {
    check(
      property(anything(), (value) => expectOnlyFinchErrors(() => parseDescriptor(value, 'x'))),
    );
  });
});

suite('describe()', () => {
  test('names bytes and counts them', () => {
    const bytes = new TextEncoder().encode('finch');
    const name = digestOf(bytes);
    expect(describe('application/x', name, bytes)).toEqual({
      mediaType: 'application/x',
      digest: name,
      size: 5,
    });
  });
});
