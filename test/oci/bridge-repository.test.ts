import { expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  bridgeRepository,
  parseBridgeRepository,
  repositoryAt,
} from '../../src/oci/bridge-repository.ts';
import { isRepository, parseReference } from '../../src/oci/reference.ts';

test.each([
  ['alpine', 'docker.io/library/alpine'],
  ['a/b', 'docker.io/a/b'],
  ['ghcr.io/a/b/c', 'ghcr.io/a/b/c'],
  ['localhost/app', 'localhost/app'],
  ['localhost:5000/app', 'localhost__5000/app'],
  ['registry.example:443/a__1/b', 'registry.example__443/a__1/b'],
  ['Registry.Example/app', 'hex_52656769737472792e4578616d706c65/app'],
  ['[::1]:5000/app', 'hex_5b3a3a315d3a35303030/app'],
])('%s is %s at the bridge', (name, path) => {
  const { registry, repository } = parseReference(name);
  expect(bridgeRepository({ registry, repository })).toBe(path);
  expect(parseBridgeRepository(path)).toEqual({ registry, repository });
});

test.each([
  '',
  'alpine',
  'library/alpine',
  '/alpine',
  'docker.io/',
  'docker.io//a',
  'docker.io/A',
  'docker.io/../a',
  'docker.io:443/a',
  'localhost__/a',
  'localhost__5000__1/a',
  'localhost__123456/a',
  'hex_/a',
  'hex_zz/a',
  'hex_52656769737472792e4578616d706c6/a',
  'hex_52656769737472792E4578616D706C65/a',
  'hex_6c6f63616c686f7374/a',
  'a__b/c',
  '-a.b/c',
  'docker.io/a\n',
])('%j is no repository at the bridge', (path) => {
  expect(parseBridgeRepository(path)).toBeUndefined();
});

test('all names of Docker Hub are one registry, and its one-part names stand below library', () => {
  for (const hub of ['docker.io', 'index.docker.io', 'registry-1.docker.io']) {
    const wanted = { registry: 'docker.io', repository: 'library/alpine' };
    expect(repositoryAt(hub, 'alpine')).toEqual(wanted);
    expect(repositoryAt(hub, 'library/alpine')).toEqual(wanted);
    expect(parseBridgeRepository(`${hub}/alpine`)).toEqual(wanted);
  }
});

test('what could be a part of a path is no registry', () => {
  for (const registry of [
    'library',
    'a-b',
    '',
    '*',
    '../x',
    'a.b/c',
    'a.b:x',
    'http://a.b',
    'a.b?c',
    'a b.c',
  ]) {
    expect(repositoryAt(registry, 'a')).toBeUndefined();
  }
});

const label = fc.stringMatching(/^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,8}[a-zA-Z0-9])?$/);
const registry = fc
  .tuple(
    fc.oneof(
      fc.array(label, { minLength: 2, maxLength: 4 }).map((labels) => labels.join('.')),
      fc.constantFrom('localhost', '[::1]', '[fe80::1]', '127.0.0.1', 'HOST'),
    ),
    fc.option(fc.integer({ min: 1, max: 65_535 })),
  )
  .map(([host, port]) => (port === null ? host : `${host}:${port}`));
const component = fc.stringMatching(/^[a-z0-9]{1,5}(?:(?:\.|_|__|-{1,3})[a-z0-9]{1,5}){0,2}$/);
const path = fc.array(component, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));

test('the way to the bridge and back keeps every name', () => {
  fc.assert(
    fc.property(registry, path, (host, rest) => {
      const name = repositoryAt(host, rest);
      fc.pre(name !== undefined);
      const written = bridgeRepository(name);
      expect(isRepository(written)).toBe(true);
      expect(parseBridgeRepository(written)).toEqual(name);
      const { registry: parsed, repository } = parseReference(`${host}/${rest}`);
      expect(name).toEqual({ registry: parsed, repository });
    }),
  );
});

test('whatever a client asks for is one name or none, and has one spelling but for those of Docker Hub', () => {
  const any = fc.oneof(
    fc.string(),
    path,
    fc.tuple(registry, path).map((parts) => parts.join('/')),
  );
  fc.assert(
    fc.property(any, (text) => {
      const name = parseBridgeRepository(text);
      if (name === undefined) return;
      expect(parseReference(`${name.registry}/${name.repository}`)).toMatchObject(name);
      if (name.registry !== 'docker.io') expect(bridgeRepository(name)).toBe(text);
    }),
  );
});
