import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  isKeyOf,
  isPart,
  parseServer,
  partName,
  serverName,
} from '../../src/credentials/server-name.ts';
import { FinchError } from '../../src/errors.ts';
import { CANARY } from '../support/canary.ts';

const HUB = 'https://index.docker.io/v1/';
const ECR = '123456789012.dkr.ecr.eu-west-1.amazonaws.com';

/** Hosts with and without a port, of which none is Docker Hub. */
const host = fc
  .tuple(
    fc.oneof(
      fc.stringMatching(/^[a-z0-9]{1,8}(-[a-z0-9]{1,4})?(\.[a-z0-9]{1,8}){0,3}$/),
      fc.constantFrom('[::1]', '[fe80::1:2]', 'localhost', '127.0.0.1', ECR),
    ),
    fc.option(fc.integer({ min: 1, max: 65535 }), { nil: undefined }),
  )
  .map(([name, port]) => (port === undefined ? name : `${name}:${port}`));

/** What other tools and users put before and behind a host. */
const dressed = (name: string) =>
  fc
    .tuple(
      fc.constantFrom('', 'https://', 'HTTPS://'),
      fc.constantFrom('', '/', '/v1/', '/v2', '/v2/'),
      fc.boolean(),
    )
    .map(([scheme, path, isLoud]) => `${scheme}${isLoud ? name.toUpperCase() : name}${path}`);

function refusal(text: string): string {
  try {
    return `accepted as ${parseServer(text).registry}`;
  } catch (error) {
    if (!(error instanceof FinchError) || error.code !== 'USAGE') throw error;
    return error.message;
  }
}

describe('parseServer()', () => {
  test.each([
    ['', 'docker.io', HUB],
    ['docker.io', 'docker.io', HUB],
    ['Docker.io/', 'docker.io', HUB],
    ['https://index.docker.io/v1/', 'docker.io', HUB],
    ['index.docker.io/v2/', 'docker.io', HUB],
    ['http://docker.io', 'docker.io', HUB],
    ['registry-1.docker.io', 'docker.io', HUB],
    ['index.docker.io:443', 'docker.io', HUB],
    ['docker.io/library/alpine', 'docker.io', HUB],
    ['ghcr.io', 'ghcr.io', 'ghcr.io'],
    ['GHCR.io', 'ghcr.io', 'ghcr.io'],
    ['https://ghcr.io', 'ghcr.io', 'ghcr.io'],
    ['https://ghcr.io:443/me/app', 'ghcr.io', 'ghcr.io'],
    ['http://ghcr.io:80', 'ghcr.io', 'ghcr.io'],
    ['ghcr.io:80', 'ghcr.io:80', 'ghcr.io:80'],
    ['https://ghcr.io:80', 'ghcr.io:80', 'ghcr.io:80'],
    ['http://registry.test:5000/v2/', 'registry.test:5000', 'registry.test:5000'],
    ['localhost:5000', 'localhost:5000', 'localhost:5000'],
    ['[::1]:5000', '[::1]:5000', '[::1]:5000'],
    ['[2001:DB8::1]', '[2001:db8::1]', '[2001:db8::1]'],
    [`https://${ECR}`, ECR, ECR],
  ])('takes %j for the registry %s', (text, registry, key) => {
    expect(parseServer(text)).toMatchObject({ registry, key });
  });

  test.each([
    ...['ftp://x.test', 'a b', 'x.test\nevil', ' x.test', 'x.test\t', '-x', 'x-', 'x..y', '.x'],
    ...[
      'x.test:port',
      'x.test:0',
      'x.test:65536',
      'x.test:080',
      'x.test:443:443',
      'http://x.test:80:443',
      'x.test:',
      'https://?',
      'x?y',
    ],
    ...['https://', 'https:///x.test', '/x.test', '//x.test', '/', ':5000', '::1', '[::1', '[]'],
    ...[
      'x.test\\y',
      'x%2etest',
      'x.test/%20',
      'é.test',
      'x.test.',
      '\u202ex.test',
      '[fe80::1%25lo]',
    ],
    'x'.repeat(300),
  ])('refuses %j', (text) => {
    expect(refusal(text)).toContain('names no registry');
  });

  test('refuses user info, and does not say what it was', () => {
    for (const text of [`me:${CANARY}@x.test`, `https://me:${CANARY}@x.test/v2/`, `x@${CANARY}`]) {
      const message = refusal(text);
      expect(message).toContain('holds an @');
      expect(message.includes(CANARY)).toBe(false);
    }
  });

  test('says no more of a scheme than a line can hold', () => {
    expect(() => parseServer(`f${'t'.repeat(5000)}p://x`)).toThrow(/^.{0,600}$/);
  });

  test('gives a safe host or throws a FinchError, whatever the text', () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), host, host.chain(dressed));
    fc.assert(
      fc.property(text, (given) => {
        try {
          expect(parseServer(given).registry).toMatch(/^[a-z0-9._:[\]-]+$/);
        } catch (error) {
          if (!(error instanceof FinchError)) throw error;
        }
      }),
    );
  });

  test('takes a host for the same however it is dressed', () => {
    const pair = host.chain((name) => fc.tuple(fc.constant(name), dressed(name)));
    fc.assert(
      fc.property(pair, ([name, text]) => {
        expect(parseServer(text)).toEqual(parseServer(name));
        expect(isKeyOf(parseServer(name), text)).toBe(true);
      }),
    );
  });

  test('never takes one host for another', () => {
    fc.assert(
      fc.property(host, host, (one, other) => {
        const isSame = one.replace(/:443$/, '') === other.replace(/:443$/, '');
        expect(parseServer(one).registry === parseServer(other).registry).toBe(isSame);
        expect(parseServer(one).spellings.some((key) => isKeyOf(parseServer(other), key))).toBe(
          isSame,
        );
      }),
    );
  });
});

test('every spelling of a server is a key of it, the first is the one it is kept under', () => {
  const servers = fc.oneof(host, fc.constantFrom('docker.io', 'index.docker.io', 'x.test:80'));
  fc.assert(
    fc.property(servers, (registry) => {
      const server = serverName(registry);
      expect(server.spellings[0]).toBe(server.key);
      expect(new Set(server.spellings).size).toBe(server.spellings.length);
      expect(server.spellings.filter((key) => !isKeyOf(server, key))).toEqual([]);
      expect(server.spellings.map((key) => parseServer(key))).toEqual(
        server.spellings.map(() => server),
      );
    }),
  );
});

test.each([
  ['quay.io/team', true],
  ['https://quay.io/team', true],
  ['HTTP://Quay.IO:443/team/', true],
  ['quay.io/Team', false],
  ['quay.io/team/app', false],
  ['quay.io/team//', false],
  ['quay.io', false],
  ['quay.io:5000/team', false],
  ['x.quay.io/team', false],
  ['me:secret@quay.io/team', false],
  ['quay.io/team\n', false],
])('a part of a registry is known by its host and path: %j', (key, expected) => {
  for (const spelling of ['quay.io/team', 'https://quay.io/team/', 'Quay.io/team']) {
    expect(isPart(spelling)).toBe(true);
    expect(isKeyOf(partName(spelling), key)).toBe(expected);
  }
});

test.each([
  ['ghcr.io', 'https://ghcr.io/v2/', true],
  ['ghcr.io', 'HTTPS://GHCR.IO', true],
  ['ghcr.io', 'http://ghcr.io:80', true],
  ['ghcr.io', 'ghcr.io/', true],
  ['ghcr.io', 'ghcr.io/me', false],
  ['ghcr.io', 'x.ghcr.io', false],
  ['ghcr.io', 'ghcr.io:5000', false],
  ['ghcr.io', 'me:secret@ghcr.io', false],
  ['ghcr.io', 'ghcr.io\n', false],
  ['ghcr.io', 'ghcr.io/v2/\n', false],
  ['ghcr.io', '', false],
  ['docker.io', 'https://index.docker.io/v1', true],
  ['docker.io', 'hub.docker.io', false],
  ['docker.io', 'https://index.docker.io/v1/access-token', false],
  ['docker.io', '', false],
])('isKeyOf(%s, %j) is %p', (registry, key, expected) => {
  expect(isKeyOf(serverName(registry), key)).toBe(expected);
});
