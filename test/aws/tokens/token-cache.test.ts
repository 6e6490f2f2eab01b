import { describe, expect, test } from 'bun:test';
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { parseEcrHost } from '../../../src/aws/ecr-host.ts';
import { keyNameOf } from '../../../src/aws/tokens/key-name.ts';
import type { RememberedToken } from '../../../src/aws/tokens/remembered-token.ts';
import { openTokenCache, type TokenCache } from '../../../src/aws/tokens/token-cache.ts';
import { CANARY } from '../../support/canary.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const NOW = Date.UTC(2026, 10, 22, 5, 4, 20, 60);
const HOUR = 3_600_000;
const HOST = '111222333444.dkr.ecr.eu-west-1.amazonaws.com';
const KEY = keyNameOf('accessKey');
const NAME = `eu-west-1-${KEY.hash}-111222333444`;
const LEGACY = `eu-west-1-${KEY.legacy}-111222333444`;
/** The password of the tests has a letter that no password of AWS has. */
const SECRET = CANARY.replace('é', 'e');

function registry(host = HOST) {
  const parsed = parseEcrHost(host);
  if (parsed === undefined) throw new Error(`${host} is no registry`);
  return parsed;
}

function token({ requested = NOW, life = 12 * HOUR, secret = SECRET } = {}): RememberedToken {
  return { requested, token: { username: 'AWS', secret, expires: new Date(requested + life) } };
}

function entry(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    AuthorizationToken: Buffer.from(`AWS:${SECRET}`).toString('base64'),
    RequestedAt: '2026-11-22T05:04:20.066765901Z',
    ExpiresAt: '2026-11-22T17:04:20.018Z',
    ProxyEndpoint: `https://${HOST}`,
    Service: 'ecr',
    ...changes,
  };
}

interface Bench extends AsyncDisposable {
  readonly path: string;
  readonly folder: string;
  readonly cache: TokenCache;
  write(entries: unknown, version?: string): Promise<void>;
  read(): Promise<{ Registries: Record<string, Record<string, unknown>>; Version: string }>;
}

async function bench(): Promise<Bench> {
  const home = await temporaryFolder();
  const folder = join(home.path, '.ecr');
  const path = join(folder, 'cache.json');
  const cache = open({ HOME: home.path });
  if (cache === undefined) throw new Error('there is no cache');
  return {
    ...{ path, folder, cache },
    async write(entries, version = '1.0') {
      await mkdir(folder, { recursive: true });
      await writeFile(path, JSON.stringify({ Registries: entries, Version: version }));
    },
    read: async () => JSON.parse(await readFile(path, 'utf8')),
    [Symbol.asyncDispose]: () => home[Symbol.asyncDispose](),
  };
}

function open(env: Record<string, string>) {
  const unused = () => Promise.reject(new Error('unused'));
  return openTokenCache({
    ...{ env, home: undefined, transport: unused, userAgent: 'finch', now: () => NOW },
    ...{ trace: () => {}, report: () => {} },
  });
}

describe('the cache of the official helper', () => {
  test('is written byte for byte as that one writes it, for this user alone', async () => {
    await using at = await bench();
    const requested = NOW;
    await at.cache.put(registry(), KEY, token({ requested, life: 12 * HOUR - 60 }));
    const lines = [
      '{',
      '  "Registries": {',
      `    "eu-west-1-xOV45/s/9aT8cbO8tDicjEV1KKkfpLdKrQs0ipPGgGc=-111222333444": {`,
      `      "AuthorizationToken": "${Buffer.from(`AWS:${SECRET}`).toString('base64')}",`,
      '      "RequestedAt": "2026-11-22T05:04:20.06Z",',
      '      "ExpiresAt": "2026-11-22T17:04:20Z",',
      `      "ProxyEndpoint": "https://${HOST}",`,
      '      "Service": "ecr"',
      ...['    }', '  },', '  "Version": "1.0"', '}'],
    ];
    // Not toBe(): what differs would be printed.
    expect((await readFile(at.path, 'utf8')) === lines.join('\n')).toBe(true);
    expect((await stat(at.path)).mode & 0o777).toBe(0o600);
    expect((await stat(at.folder)).mode & 0o777).toBe(0o700);
    expect((await readdir(at.folder)).sort()).toEqual(['cache.json', 'cache.json.lock']);
  });

  test('names an access key as the official helper does, now and before 0.12', () => {
    expect(KEY).toEqual({
      hash: 'xOV45/s/9aT8cbO8tDicjEV1KKkfpLdKrQs0ipPGgGc=',
      legacy: 'YWNjZXNzS2V51B2M2Y8AsgTpgAmY7PhCfg==',
    });
  });

  test('gives back what was put in, and knows ECR Public by either name', async () => {
    await using at = await bench();
    await at.cache.put(registry(), KEY, token());
    await at.cache.put(registry('public.ecr.aws'), KEY, token({ life: 6 * HOUR }));
    expect(await at.cache.get(registry(), KEY)).toEqual(token());
    const found = await at.cache.get(registry('ecr-public.aws.com'), { hash: KEY.hash });
    expect(found).toEqual(token({ life: 6 * HOUR }));
    expect(Object.keys((await at.read()).Registries)).toEqual([`ecr-public-${KEY.hash}`, NAME]);
    expect(await at.cache.list()).toEqual([HOST, 'public.ecr.aws']);
  });

  test('serves the FIPS 140 name of the same registry, no other account, region or key', async () => {
    await using at = await bench();
    await at.cache.put(registry(), KEY, token());
    const others = [HOST.replace('111', '999'), HOST.replace('eu-west-1', 'eu-west-2')];
    for (const other of others) expect(await at.cache.get(registry(other), KEY)).toBeUndefined();
    expect(await at.cache.get(registry(), keyNameOf('another'))).toBeUndefined();
    const fips = registry(HOST.replace('ecr', 'ecr-fips'));
    expect(await at.cache.get(fips, KEY)).toEqual(token());
  });

  test('reads an entry under the old name, and renews it together with the new one', async () => {
    await using at = await bench();
    await at.write({ [LEGACY]: entry({ Service: '' }) });
    const found = await at.cache.get(registry(), KEY);
    expect(found?.requested).toBe(Date.parse('2026-11-22T05:04:20.066Z'));
    expect(found?.token.expires).toEqual(new Date('2026-11-22T17:04:20.018Z'));
    await at.cache.put(registry(), KEY, token());
    const { Registries } = await at.read();
    expect(Object.keys(Registries).sort()).toEqual([LEGACY, NAME].sort());
    expect(Registries[LEGACY]).toEqual(Registries[NAME]);
  });

  test('keeps the entries of others, and drops those that have ended', async () => {
    await using at = await bench();
    const others = {
      other: entry(),
      odd: { a: 1 },
      ended: entry({ ExpiresAt: '2020-01-01T00:00:00Z' }),
    };
    await at.write(others);
    await at.cache.put(registry(), KEY, token());
    const { Registries } = await at.read();
    expect(Object.keys(Registries).sort()).toEqual([NAME, 'odd', 'other'].sort());
    expect(Registries['other']).toEqual(entry());
    expect(Registries['odd']).toEqual({ a: 1 });
  });

  test('of another version stays as it is, and counts as empty', async () => {
    await using at = await bench();
    await at.write({ [NAME]: entry() }, '2.0');
    const before = await readFile(at.path, 'utf8');
    expect(await at.cache.get(registry(), KEY)).toBeUndefined();
    await at.cache.put(registry(), KEY, token());
    expect((await readFile(at.path, 'utf8')) === before).toBe(true);
  });

  test.each(['', '{', '{"Registries": {"a": '])(
    'that is no JSON (%j) is begun again',
    async (text) => {
      await using at = await bench();
      await mkdir(at.folder);
      await writeFile(at.path, text);
      expect(await at.cache.list()).toEqual([]);
      await at.cache.put(registry(), KEY, token());
      expect(Object.keys((await at.read()).Registries)).toEqual([NAME]);
    },
  );

  test.each(['null', '[]', '{}', '{"Version":"1.0","Registries":[]}'])(
    'that is %s is no cache and stays as it is',
    async (text) => {
      await using at = await bench();
      await mkdir(at.folder);
      await writeFile(at.path, text);
      await at.cache.put(registry(), KEY, token());
      expect(await readFile(at.path, 'utf8')).toBe(text);
    },
  );

  test('takes no entry that names another registry, another user, or times that no token has', async () => {
    await using at = await bench();
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    const wrong: Record<string, unknown>[] = [
      { ProxyEndpoint: 'https://example.com' },
      { ProxyEndpoint: `https://${HOST}.example.com` },
      { ProxyEndpoint: `https://${HOST.replace('111', '999')}` },
      { ProxyEndpoint: `http://${HOST}` },
      { ProxyEndpoint: 1 },
      { Service: 'ecr-public' },
      { AuthorizationToken: base64(`root:${SECRET}`) },
      { AuthorizationToken: base64('AWS:') },
      { AuthorizationToken: base64('AWS:a\nb') },
      { AuthorizationToken: `${base64(`AWS:${SECRET}`)}!` },
      { AuthorizationToken: base64(`AWS:${'a'.repeat(20_000)}`) },
      { AuthorizationToken: null },
      { RequestedAt: '2026-11-22T18:04:20Z' },
      { RequestedAt: 'yesterday' },
      { ExpiresAt: '2026-11-24T05:04:20Z' },
      { ExpiresAt: '2026-99-22T05:04:20Z' },
      { ExpiresAt: 1_795_367_340 },
    ];
    for (const changes of wrong) {
      await at.write({ [NAME]: entry(changes) });
      expect(await at.cache.get(registry(), KEY)).toBeUndefined();
    }
    await at.write({ [NAME]: entry() });
    expect(await at.cache.get(registry(), KEY)).toBeDefined();
  });

  test('takes whatever its file says, and only fails to find a token in it', async () => {
    await using at = await bench();
    const value = fc.oneof(fc.jsonValue(), fc.record(entryOf(fc.jsonValue())));
    await fc.assert(
      fc.asyncProperty(value, async (found) => {
        await at.write({ [NAME]: found });
        expect(await at.cache.get(registry(), KEY)).toBeUndefined();
        await at.cache.list();
      }),
      { numRuns: 100 },
    );
  });

  test('is looked for where AWS_ECR_CACHE_DIR says, and not at all when it is disabled', async () => {
    await using folder = await temporaryFolder();
    const named = open({ AWS_ECR_CACHE_DIR: '~/a/b', HOME: folder.path });
    await named?.put(registry(), KEY, token());
    expect((await stat(join(folder.path, 'a/b/cache.json'))).mode & 0o777).toBe(0o600);
    expect(open({ HOME: folder.path, AWS_ECR_DISABLE_CACHE: 'no' })).toBeUndefined();
  });

  test('behind a symbolic link is written there, and open to others no more', async () => {
    await using at = await bench();
    await at.write({});
    const target = join(at.folder, 'real.json');
    await writeFile(target, JSON.stringify({ Registries: {}, Version: '1.0' }));
    await chmod(target, 0o644);
    await Bun.file(at.path).delete();
    await symlink(target, at.path);
    await at.cache.put(registry(), KEY, token());
    expect(await at.cache.get(registry(), KEY)).toEqual(token());
    expect((await stat(target)).mode & 0o777).toBe(0o600);
  });

  test('loses nothing when many write at once', async () => {
    await using at = await bench();
    const accounts = Array.from({ length: 12 }, (_, index) => `${100_000_000_000 + index}`);
    const hosts = accounts.map((account) => HOST.replace('111222333444', account));
    await Promise.all(hosts.map((host) => at.cache.put(registry(host), KEY, token())));
    expect(await at.cache.list()).toEqual(hosts);
  });
});

/** An entry in which any field may be anything. */
function entryOf(value: fc.Arbitrary<unknown>) {
  const fields = Object.entries(entry()).map(([name, usual]) => {
    const any = name === 'AuthorizationToken' ? value : fc.oneof(value, fc.constant(usual));
    return [name, any] as const;
  });
  return Object.fromEntries(fields);
}
