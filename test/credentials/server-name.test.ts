import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { isKeyOf, parseServer, serverName } from '../../src/credentials/server-name.ts';
import { FinchError } from '../../src/errors.ts';

const HUB = 'https://index.docker.io/v1/';

test.each([
  ['', 'docker.io', HUB],
  ['docker.io', 'docker.io', HUB],
  ['https://index.docker.io/v1/', 'docker.io', HUB],
  ['registry-1.docker.io', 'docker.io', HUB],
  ['index.docker.io:443', 'docker.io', HUB],
  ['ghcr.io', 'ghcr.io', 'ghcr.io'],
  ['GHCR.io', 'ghcr.io', 'ghcr.io'],
  ['https://ghcr.io', 'ghcr.io', 'ghcr.io'],
  ['https://ghcr.io:443/me/app', 'ghcr.io', 'ghcr.io'],
  ['http://registry.test:5000/v2/', 'registry.test:5000', 'registry.test:5000'],
  ['localhost:5000', 'localhost:5000', 'localhost:5000'],
  ['[::1]:5000', '[::1]:5000', '[::1]:5000'],
  [
    '123456789012.dkr.ecr.eu-west-1.amazonaws.com',
    '123456789012.dkr.ecr.eu-west-1.amazonaws.com',
    '123456789012.dkr.ecr.eu-west-1.amazonaws.com',
  ],
])('parseServer(%j) is the registry %s', (text, registry, key) => {
  expect(parseServer(text)).toMatchObject({ registry, key });
});

test.each(['ftp://x.test', 'a b', 'me@x.test', 'x.test\nevil', '-x', 'x.test:port', 'https://?'])(
  'parseServer(%j) throws USAGE',
  (text) => {
    expect(() => parseServer(text)).toThrow(FinchError);
  },
);

test('parseServer() says no more of a scheme than a line can hold', () => {
  expect(() => parseServer(`f${'t'.repeat(5000)}p://x`)).toThrow(/^.{0,600}$/);
});

test('parseServer() gives a safe host or throws a FinchError', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        expect(parseServer(text).registry).toMatch(/^[a-z0-9._:[\]-]+$/);
      } catch (error) {
        if (!(error instanceof FinchError)) throw error;
      }
    }),
  );
});

test('every spelling of a server is a key of it', () => {
  for (const registry of ['docker.io', 'ghcr.io', 'localhost:5000']) {
    const server = serverName(registry);
    expect(server.spellings[0]).toBe(server.key);
    expect(server.spellings.filter((key) => !isKeyOf(server, key))).toEqual([]);
  }
});

test.each([
  ['ghcr.io', 'https://ghcr.io/v2/', true],
  ['ghcr.io', 'ghcr.io/', true],
  ['ghcr.io', 'ghcr.io/me', false],
  ['ghcr.io', 'x.ghcr.io', false],
  ['ghcr.io', 'ghcr.io:5000', false],
  ['docker.io', 'https://index.docker.io/v1', true],
  ['docker.io', 'hub.docker.io', false],
])('isKeyOf(%s, %s) is %p', (registry, key, expected) => {
  expect(isKeyOf(serverName(registry), key)).toBe(expected);
});
