import { describe, expect, test } from 'bun:test';
import { archivedName, importName, layoutName } from '../../src/archives/import-name.ts';
import { formatReference } from '../../src/oci/reference.ts';
import { buildImage } from '../support/images.ts';

const { root } = buildImage();
const now = new Date('2026-01-31T12:00:00Z');

function named(annotations: Record<string, string>): string {
  return formatReference(layoutName({ ...root, annotations }, now));
}

describe('layoutName()', () => {
  test("prefers containerd's whole name", () => {
    const annotations = {
      'io.containerd.image.name': 'docker.io/library/alpine:3',
      'org.opencontainers.image.ref.name': '3',
    };
    expect(named(annotations)).toBe('docker.io/library/alpine:3');
  });

  test.each([
    ['ghcr.io/me/app:1.0', 'ghcr.io/me/app:1.0'],
    ['me/app', 'docker.io/me/app:latest'],
    ['app:1.0', 'docker.io/library/app:1.0'],
    ['1.0', 'docker.io/library/import-2026-01-31:1.0'],
    ['latest', 'docker.io/library/import-2026-01-31:latest'],
  ])('reads the standard annotation %s', (text, name) => {
    expect(named({ 'org.opencontainers.image.ref.name': text })).toBe(name);
  });

  test.each([{}, { 'org.opencontainers.image.ref.name': 'Not/A:Name!' }])(
    'falls back to the digest for %p',
    (annotations: Record<string, string>) => {
      expect(named(annotations)).toBe(`docker.io/library/import-2026-01-31@${root.digest}`);
    },
  );
});

test('archivedName() prefers the tag to a digest, and knows what is no name', () => {
  expect(archivedName(`app:1@${root.digest}`)).toEqual({
    registry: 'docker.io',
    repository: 'library/app',
    tag: '1',
  });
  expect(archivedName('<none>:<none>')).toBeUndefined();
});

test('importName() uses the day in UTC', () => {
  const late = new Date('2026-01-31T23:59:59Z');
  expect(importName(root, { now: late, tag: 'a' }).repository).toBe('library/import-2026-01-31');
});
