import { describe, expect, test } from 'bun:test';
import { array, boolean, dictionary, jsonValue, property, record, string, tuple } from 'fast-check';
import { parseDocument, trimIndex } from '../../src/oci/document.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { buildMultiPlatform, json } from '../support/images.ts';
import { check, descriptors, expectOnlyFinchErrors, finchErrorOf } from './arbitraries.ts';

const built = buildMultiPlatform('linux/arm64', 'linux/amd64', 'linux/s390x');
const bytes = built.blobs.get(built.root.digest) ?? new Uint8Array();
const text = (from: Uint8Array) => new TextDecoder().decode(from);

describe('trimIndex()', () => {
  test('gives the very same bytes when nothing is dropped', () => {
    expect(trimIndex(bytes, { keep: () => true, what: 'x' })).toBe(bytes);
    const spaced = new TextEncoder().encode(
      `\n ${JSON.stringify(JSON.parse(text(bytes)), null, 3)}\n`,
    );
    expect(trimIndex(spaced, { keep: () => true, what: 'x' })).toBe(spaced);
  });

  test('drops what is not kept, and stays an index even with one member', () => {
    const trimmed = trimIndex(bytes, {
      keep: ({ platform }) => platform?.architecture === 'amd64',
      what: 'x',
    });
    const read = parseDocument(trimmed, { mediaType: mediaTypes.index, what: 'x' });
    expect(read.kind === 'index' && read.manifests.map(({ platform }) => platform)).toEqual([
      { os: 'linux', architecture: 'amd64' },
    ]);
  });

  test('gives an index without members when none is kept', () => {
    const trimmed = trimIndex(bytes, { keep: () => false, what: 'x' });
    expect(JSON.parse(text(trimmed)).manifests).toEqual([]);
  });

  test('keeps unknown members, and the order of all', () => {
    const member = (n: number) => ({
      'x.first': n,
      mediaType: mediaTypes.manifest,
      size: n,
      digest: `sha256:${'0'.repeat(63)}${n}`,
      platform: { 'os.features': ['f'], architecture: 'amd64', os: 'linux', zzz: null },
      urls: ['https://example.com'],
      data: 'e30=',
    });
    const index = {
      'x.before': { deep: [1, 2, { a: null }] },
      manifests: [member(1), member(2), member(3)],
      annotations: { é: '\u2028' },
      mediaType: mediaTypes.index,
      schemaVersion: 2,
      artifactType: 'application/x',
    };
    const trimmed = trimIndex(json(index), { keep: ({ size }) => size !== 2, what: 'x' });
    expect(text(trimmed)).toBe(JSON.stringify({ ...index, manifests: [member(1), member(3)] }));
  });

  test('gives the same bytes for the same choice, and changes nothing but the members', () => {
    const members = array(tuple(descriptors, dictionary(string(), jsonValue()), boolean()));
    const indexes = record({ extra: dictionary(string(), jsonValue()), members });
    check(
      property(indexes, ({ extra, members: all }) => {
        const manifests = all.map(([descriptor, more]) => ({ ...more, ...descriptor }));
        const input = json({ ...extra, manifests });
        // The choice goes by position, for some members are equal.
        const trim = () => {
          const choices = all.map(([, , kept]) => kept)[Symbol.iterator]();
          return trimIndex(input, { keep: () => choices.next().value === true, what: 'x' });
        };
        const once = trim();
        expect(once).toEqual(trim());
        expect(JSON.parse(text(once))).toEqual({
          ...JSON.parse(text(input)),
          manifests: JSON.parse(text(json(manifests.filter((_, i) => all[i]?.[2])))),
        });
      }),
    );
  });

  test('refuses a member that is no descriptor', () => {
    const broken = json({ schemaVersion: 2, manifests: [{ mediaType: 'x' }] });
    const error = finchErrorOf(() => trimIndex(broken, { keep: () => true, what: 'index y' }));
    expect(error.code).toBe('DOCUMENT_INVALID');
    expect(error.message).toStartWith('member 1 of index y');
  });

  test('throws nothing but FinchError, even on lists very deep', () => {
    const deep = `{"x":${'['.repeat(200_000)}${']'.repeat(200_000)},`;
    const whole = new TextEncoder().encode(deep + text(bytes).slice(1));
    expectOnlyFinchErrors(() => trimIndex(whole, { keep: () => false, what: 'x' }));
    check(
      property(jsonValue(), (value) =>
        expectOnlyFinchErrors(() => trimIndex(json(value), { keep: () => false, what: 'x' })),
      ),
    );
  });
});
