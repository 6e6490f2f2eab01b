import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Credential } from '../../src/credentials/credential.ts';
import type { ListedLogin } from '../../src/credentials/logins.ts';
import { type HelperAction, serveHelper } from '../../src/credentials/serve-helper.ts';
import type { ServedLogins } from '../../src/credentials/served-logins.ts';
import { FinchError } from '../../src/errors.ts';
import { CANARY } from '../support/canary.ts';

/** Logins in memory, by registry; a key with a repository is for that repository alone. */
function logins(kept: Record<string, Credential> = {}): ServedLogins & { kept: typeof kept } {
  return {
    kept,
    async find({ registry }, { repository } = {}) {
      const credential = kept[`${registry}/${repository}`] ?? kept[registry];
      return credential && { credential, place: 'memory', isOwn: true };
    },
    async save({ registry }, credential) {
      kept[registry] = credential;
      return { kind: 'file', place: 'memory' };
    },
    async forget({ registry }) {
      delete kept[registry];
      return { removed: [], remaining: [], failures: [] };
    },
    async list() {
      return Object.entries(kept).map(([registry, credential]): ListedLogin => {
        const username = credential.kind === 'password' ? credential.username : undefined;
        return { registry, username, place: 'memory', expires: undefined };
      });
    },
  };
}

function password(username: string, secret: string = CANARY): Credential {
  return { kind: 'password', username, secret };
}

function serve(action: HelperAction, input: string | Uint8Array, place = logins()) {
  async function* stdin() {
    const bytes = new Uint8Array(Buffer.from(input));
    yield bytes.subarray(0, 3);
    yield bytes.subarray(3);
  }
  return serveHelper(action, { logins: place, stdin: stdin() });
}

async function failure(...args: Parameters<typeof serve>): Promise<FinchError> {
  const error = await serve(...args).catch((caught: unknown) => caught);
  if (error instanceof FinchError) return error;
  throw new Error(`${JSON.stringify(args[0])} did not fail as it should`);
}

describe('serveHelper() for get', () => {
  test('answers with the keys in the order of the protocol, and the server as it was named', async () => {
    const place = logins({ 'ghcr.io': password('me', 'a b') });
    for (const [input, named] of [
      ['ghcr.io', 'ghcr.io'],
      ['ghcr.io\n', 'ghcr.io'],
      ['ghcr.io\r\n', 'ghcr.io'],
      [' ghcr.io ', 'ghcr.io'],
      ['GHCR.io:443', 'GHCR.io:443'],
      ['https://ghcr.io/v2/', 'https://ghcr.io/v2/'],
      ['http://ghcr.io', 'http://ghcr.io'],
      ['http://ghcr.io:80/v2/', 'http://ghcr.io:80/v2/'],
      ['ghcr.io/me/app:1', 'ghcr.io/me/app:1'],
    ] as const) {
      expect(await serve('get', input, place)).toEqual([
        `{"ServerURL":"${named}","Username":"me","Secret":"a b"}`,
      ]);
    }
  });

  test('knows Docker Hub by all its names', async () => {
    const place = logins({ 'docker.io': password('me') });
    for (const name of [
      'https://index.docker.io/v1/',
      'docker.io',
      'index.docker.io/library/alpine',
      'registry-1.docker.io',
    ]) {
      expect((await serve('get', name, place)).join()).toContain('"Username":"me"');
    }
  });

  test('gives an identity token under the user name <token>, with the escapes of Go', async () => {
    const place = logins({ 'x.io': { kind: 'identity-token', token: '<&>\u2028é' } });
    expect(await serve('get', 'x.io', place)).toEqual([
      '{"ServerURL":"x.io","Username":"\\u003ctoken\\u003e","Secret":"\\u003c\\u0026\\u003e\\u2028é"}',
    ]);
  });

  test('gives the login for a part of a registry, where there is one', async () => {
    const place = logins({ 'x.io': password('all'), 'x.io/team/app': password('team') });
    expect((await serve('get', 'x.io/team/app', place)).join()).toContain('"team"');
    expect((await serve('get', 'x.io/team/other', place)).join()).toContain('"all"');
    expect((await serve('get', 'https://x.io/v2/team/app', place)).join()).toContain('"all"');
  });

  test('finds nothing for a token that the protocol cannot carry', async () => {
    const place = logins({ 'x.io': { kind: 'registry-token', token: CANARY } });
    expect(await failure('get', 'x.io', place)).toMatchObject({
      ...{ code: 'LOGIN_NOT_FOUND', message: 'there is no login for x.io' },
    });
  });

  test('finds nothing for what names no registry, and never joins lines', async () => {
    const place = logins({ 'ghcr.io': password('me'), 'docker.io': password('hub') });
    for (const input of [
      'ghcr\n.io',
      'ghcr.io\n\n',
      'ghcr.io\r',
      '\nghcr.io',
      'ghcr.io\0',
      'ghcr.io\u007f',
      'ghcr.io\t',
      'evil.example ghcr.io',
      'https://user:pass@ghcr.io',
      'https:///ghcr.io',
      '/',
      'https://',
      'evil.example\\ghcr.io',
      'ghcr%2eio',
      'ghcr.io?x',
      'ghcr.io#x',
      'ftp://ghcr.io',
      '\u212aghcr.io',
      '\ufeffghcr.io',
      'ghcr.io/é',
      'ghcr.io:99999999',
      `ghcr.io/${'a'.repeat(4096)}`,
    ]) {
      const error = await failure('get', input, place);
      expect([input, error.code]).toEqual([input, 'LOGIN_NOT_FOUND']);
      expect(error.message).not.toContain('pass');
    }
  });

  test('refuses an empty server, bytes that are no text, and a flood', async () => {
    for (const input of ['', '\n', '  \r\n']) {
      expect((await failure('get', input)).message).toBe('no credentials server URL');
    }
    expect((await failure('get', new Uint8Array([0x78, 0xff]))).message).toContain('UTF-8');
    expect((await failure('get', 'a'.repeat(65_537))).message).toContain('64 KiB');
  });

  test('answers anything at all with a login, or with an error of its own', async () => {
    const place = logins({ 'ghcr.io': password('me') });
    const near = fc.string({
      unit: fc.constantFrom('ghcr.io', '/', ':', '@', '.', '\n', '\r', ' ', 'a', 'é', '443'),
    });
    await fc.assert(
      fc.asyncProperty(fc.oneof(near, fc.string({ unit: 'binary' })), async (input) => {
        const answer = await serve('get', input, place).catch((error: unknown) => error);
        if (answer instanceof FinchError) return;
        const [line = ''] = answer as readonly string[];
        const { ServerURL } = JSON.parse(line) as { ServerURL: string };
        expect(ServerURL).toMatch(/^(https?:\/\/)?ghcr\.io(:443)?(\/[!-~]*)?$/);
      }),
      { numRuns: 500 },
    );
  });
});

describe('serveHelper() for store', () => {
  const request = (ServerURL: unknown, Username: unknown, Secret: unknown) =>
    JSON.stringify({ ServerURL, Username, Secret });

  test('keeps a login, and an identity token under the user name <token>', async () => {
    const place = logins();
    expect(await serve('store', request('https://ghcr.io', 'me', CANARY), place)).toEqual([]);
    await serve('store', `${request('x.io:5000', '<token>', CANARY)}\n`, place);
    await serve('store', request('https://index.docker.io/v1/', 'hub', CANARY), place);
    expect(Object.entries(place.kept).map(([name, { kind }]) => [name, kind])).toEqual([
      ['ghcr.io', 'password'],
      ['x.io:5000', 'identity-token'],
      ['docker.io', 'password'],
    ]);
  });

  test.each([
    [request('', 'me', CANARY), 'no credentials server URL'],
    [JSON.stringify({ Username: 'me', Secret: CANARY }), 'no credentials server URL'],
    [request('x.io', '', CANARY), 'no credentials username'],
    [request('x.io', 'me', ''), 'no credentials secret'],
    [request('x.io', 7, CANARY), '"Username" is not a string'],
    [request('x.io\ny.io', 'me', CANARY), 'the server names no registry'],
    [request(`https://me:${CANARY}@x.io`, 'me', 'x'), 'the server names no registry'],
    [request('x.io/team', 'me', CANARY), 'a login for a part of x.io cannot be kept or removed'],
    [`{"Secret":"${CANARY}"`, 'what stdin holds is no JSON object'],
    [`"${CANARY}"`, 'what stdin holds is no JSON object'],
    ['', 'what stdin holds is no JSON object'],
  ])('refuses a request %# and keeps nothing', async (input, message) => {
    const place = logins({ 'x.io': password('before') });
    const error = await failure('store', input, place);
    expect([error.code, error.message]).toEqual(['USAGE', message]);
    expect(error.cause).toBeUndefined();
    expect(Object.values(place.kept)).toEqual([
      expect.objectContaining({ kind: 'password', username: 'before' }),
    ]);
  });
});

describe('serveHelper() for erase', () => {
  test('forgets a login, and says nothing when there is none', async () => {
    const place = logins({ 'ghcr.io': password('me'), 'x.io': password('me') });
    expect(await serve('erase', 'https://ghcr.io/v2/\n', place)).toEqual([]);
    expect(await serve('erase', 'ghcr.io', place)).toEqual([]);
    expect(Object.keys(place.kept)).toEqual(['x.io']);
  });

  test('removes nothing for a part of a registry, or for what names none', async () => {
    const place = logins({ 'ghcr.io': password('me') });
    for (const input of ['ghcr.io/me/app', 'ghcr\n.io', 'https://me@ghcr.io', '']) {
      expect((await failure('erase', input, place)).code).toBe('USAGE');
    }
    expect(Object.keys(place.kept)).toEqual(['ghcr.io']);
  });
});

describe('serveHelper() for list', () => {
  test('names servers as callers do, sorted, and reads no input', async () => {
    const kept = {
      'x.io': { kind: 'identity-token', token: CANARY } as const,
      'docker.io': password('a&b'),
      'ghcr.io': password('me'),
    };
    const stdin: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]() {
        throw new Error('list must not read');
      },
    };
    expect(await serveHelper('list', { logins: logins(kept), stdin })).toEqual([
      '{"ghcr.io":"me","https://index.docker.io/v1/":"a\\u0026b","x.io":"\\u003ctoken\\u003e"}',
    ]);
    expect(await serveHelper('list', { logins: logins(), stdin })).toEqual(['{}']);
  });

  test('asks no helper for a secret, which can take seconds', async () => {
    const asked: unknown[] = [];
    const place: ServedLogins = {
      ...logins(),
      async list(options) {
        asked.push(options?.expiry);
        return [];
      },
    };
    await serveHelper('list', { logins: place, stdin: new Blob().stream() });
    expect(asked).toEqual([false]);
  });

  test('names a registry once, a part of one as it is, and leaves out what names none', async () => {
    const kept = {
      'https://ghcr.io/v2/': password('first'),
      'ghcr.io': password('second'),
      'quay.io/team': password('team'),
      '': password('nobody'),
      'a b': password('nobody'),
    };
    expect(await serve('list', '', logins(kept))).toEqual([
      '{"ghcr.io":"first","quay.io/team":"team"}',
    ]);
  });
});
