import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { parseRoute } from '../../src/server/route.ts';

test('parseRoute() knows every path of the distribution API', () => {
  expect(parseRoute('/v2/')).toEqual({ kind: 'base' });
  expect(parseRoute('/v2')).toEqual({ kind: 'base' });
  expect(parseRoute('/v2/_catalog')).toEqual({ kind: 'catalog' });
  expect(parseRoute('/v2/a/b/tags/list')).toEqual({ kind: 'tags', repository: 'a/b' });
  expect(parseRoute('/v2/a/blobs/uploads/')).toEqual({ kind: 'uploads', repository: 'a' });
  expect(parseRoute('/v2/a/blobs/uploads')).toEqual({ kind: 'uploads', repository: 'a' });
  expect(parseRoute('/v2/a/blobs/uploads/1-2')).toEqual({
    kind: 'upload',
    repository: 'a',
    reference: '1-2',
  });
  for (const [noun, kind] of [
    ['blobs', 'blob'],
    ['manifests', 'manifest'],
    ['referrers', 'referrers'],
  ]) {
    expect(parseRoute(`/v2/a/b/${noun}/x`)).toEqual({
      kind,
      repository: 'a/b',
      reference: 'x',
    } as never);
  }
});

test('parseRoute() decodes the percent signs that some clients write in a digest', () => {
  expect(parseRoute('/v2/a/blobs/sha256%3Aabc')).toMatchObject({ reference: 'sha256:abc' });
});

test('parseRoute() lets a repository have the words of the API in its path', () => {
  expect(parseRoute('/v2/a/blobs/b/manifests/tags/list')).toEqual({
    kind: 'tags',
    repository: 'a/blobs/b/manifests',
  });
  expect(parseRoute('/v2/manifests/blobs/manifests/x')).toEqual({
    kind: 'manifest',
    repository: 'manifests/blobs',
    reference: 'x',
  });
});

test('parseRoute() has no route for other paths', () => {
  for (const path of [
    '/',
    '/v1/',
    '/v2/a',
    '/v2//tags/list',
    '/v2/a/blobs/',
    '/v2/a/manifests/%',
  ]) {
    expect(parseRoute(path)).toBeUndefined();
  }
});

test('parseRoute() never throws', () => {
  fc.assert(fc.property(fc.string(), (path) => void parseRoute(`/v2/${path}`)));
});
