import { describe, expect, test } from 'bun:test';
import {
  archivedName,
  dockerNames,
  importName,
  layoutName,
} from '../../src/archives/import-name.ts';
import { formatReference } from '../../src/oci/reference.ts';
import { buildImage } from '../support/images.ts';

const { root } = buildImage();
const now = new Date('2026-01-31T12:00:00Z');

function named(annotations: Record<string, string>): string {
  return formatReference(layoutName({ ...root, annotations }, now).reference);
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

test('layoutName() says so when the name is made up', () => {
  const note = (annotations: Record<string, string>) =>
    layoutName({ ...root, annotations }, now).note;
  const key = 'org.opencontainers.image.ref.name';
  expect(note({ [key]: 'app:1' })).toBeUndefined();
  expect(note({ [key]: 'latest' })).toBe(
    'the archive gives only the tag "latest": rename with: finch tag import-2026-01-31:latest NAME:TAG',
  );
  expect(note({ [key]: 'UPPER:1' })).toBe(
    `the archive names its image "UPPER:1", which is no valid name; it is import-2026-01-31@${root.digest}`,
  );
  expect(note({})).toContain('gives its image no name');
});

test('dockerNames() leaves invalid names out and says which', () => {
  const names = (tags: readonly string[]) =>
    dockerNames(tags, { target: root, now }).map(({ reference, note }) => ({
      name: formatReference(reference),
      note,
    }));
  expect(names(['app:1', 'app:2']).map(({ note }) => note)).toEqual([undefined, undefined]);
  expect(names(['UPPER:1', 'app:2'])).toEqual([
    {
      name: 'docker.io/library/app:2',
      note: 'the archive names its image "UPPER:1", which is no valid name; it is app:2',
    },
  ]);
  expect(names(['UPPER:1'])[0]?.name).toBe(`docker.io/library/import-2026-01-31@${root.digest}`);
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
