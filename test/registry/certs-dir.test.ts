import { describe, expect, test } from 'bun:test';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FinchError } from '../../src/errors.ts';
import { type CertsDirOptions, findSites } from '../../src/registry/certs-dir.ts';
import { makeAuthority, signClient } from '../support/certificates.ts';
import { temporaryFolder } from '../support/temporary.ts';

interface Place extends AsyncDisposable {
  readonly root: string;
  write(files: Readonly<Record<string, string>>): Promise<void>;
  find(registry: string, options?: Partial<CertsDirOptions>): ReturnType<typeof findSites>;
}

async function place(files: Readonly<Record<string, string>> = {}): Promise<Place> {
  const folder = await temporaryFolder();
  const root = folder.path;
  const write: Place['write'] = async (named) => {
    for (const [name, text] of Object.entries(named)) {
      await mkdir(dirname(join(root, name)), { recursive: true });
      await writeFile(join(root, name), text);
    }
  };
  await write(files);
  return {
    ...{ root, write },
    find: (registry, options) => findSites(registry, { roots: [root], ...options }),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

const at = (host: string) => `server = "https://${host}"\n`;

async function hostOf(finding: ReturnType<typeof findSites>): Promise<string> {
  return (await finding).server.host;
}

async function faultOf(finding: Promise<unknown>): Promise<FinchError> {
  const error = await finding.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (error instanceof FinchError) return error;
  throw new Error('it was found');
}

/** The files of an authority, and of a client that it has signed, as text. */
async function certificates() {
  await using folder = await temporaryFolder();
  const { ca } = await makeAuthority(folder.path);
  const { certificate, key } = await signClient(folder.path);
  const [caText, certificateText, keyText] = await Promise.all(
    [ca, certificate, key].map((path) => Bun.file(path).text()),
  );
  return { ca: caText ?? '', certificate: certificateText ?? '', key: keyText ?? '' };
}

describe('findSites()', () => {
  test('gives the registry alone when no folder describes it', async () => {
    await using here = await place();
    const sites = await here.find('ghcr.io', { roots: [here.root, '/does/not/exist'] });
    expect(sites.source).toBeUndefined();
    expect(sites.mirrors).toEqual([]);
    expect(sites.server).toMatchObject({ name: 'ghcr.io', host: 'ghcr.io' });
  });

  test('looks for the registry by both spellings of its port, and then for _default', async () => {
    await using here = await place({ '_default/hosts.toml': at('default') });
    expect(await hostOf(here.find('r.test:5000'))).toBe('default');
    await here.write({ 'r.test:5000/hosts.toml': at('colon') });
    expect(await hostOf(here.find('r.test:5000'))).toBe('colon');
    await here.write({ 'r.test_5000_/hosts.toml': at('portable') });
    expect(await hostOf(here.find('r.test:5000'))).toBe('portable');
    expect(await hostOf(here.find('r.test'))).toBe('default');
    await here.write({ 'docker.io/hosts.toml': at('hub') });
    expect(await hostOf(here.find('docker.io'))).toBe('hub');
  });

  test('gives the login of a registry to the server in its own folder, and not to one for all', async () => {
    await using here = await place({
      '_default/hosts.toml': at('all.test'),
      'r.test/hosts.toml': at('mine.test'),
    });
    const config = { path: '/c', read: async () => ({ HttpHeaders: { 'X-Key': 'mine' } }) };
    const trace: string[] = [];
    const options = { config, trace: (line: string) => trace.push(line) };
    const { server: mine } = await here.find('r.test', options);
    expect([mine.name, mine.host, mine.headers]).toEqual([
      ...['r.test', 'mine.test', { 'x-key': 'mine' }],
    ]);
    const { server: all } = await here.find('other.test', options);
    expect([all.name, all.host, all.headers]).toEqual(['all.test', 'all.test', {}]);
    expect(all.namespace).toBe('other.test');
    expect(trace).toContain('all.test is asked in place of other.test, with its own login');
    expect((await here.find('all.test', options)).server.name).toBe('all.test');
  });

  test('takes the first folder that has the registry, whole', async () => {
    await using first = await place({ 'r.test/ignored': '' });
    await using second = await place({ 'r.test/hosts.toml': at('second') });
    const roots = [first.root, second.root];
    const sites = await first.find('r.test', { roots });
    expect([sites.server.host, sites.source]).toEqual(['r.test', join(first.root, 'r.test')]);
    expect(await hostOf(first.find('r.test', { roots: roots.toReversed() }))).toBe('second');
  });

  test("reads certificates by docker's names where there is no hosts.toml, or an empty one", async () => {
    const { ca, certificate, key } = await certificates();
    await using here = await place({
      ...{ 'r.test/my.crt': ca, 'r.test/me.cert': `${ca}${certificate}`, 'r.test/me.key': key },
    });
    const leaf = {
      'r.test/me.cert': certificate,
      'r.test/README': 'hello',
      'r.test/hosts.toml': '',
    };
    await here.write(leaf);
    const { server } = await here.find('r.test');
    expect(server.tls?.ca).toEqual([ca.trim()]);
    expect(server.tls?.certificate).toEqual({ chain: certificate.trim(), key: key.trim() });
  });

  test('reads the certificates that a hosts.toml names, and one of several for a client', async () => {
    const { ca, certificate, key } = await certificates();
    await using here = await place({
      'r.test/hosts.toml': `
        ca = ["both.pem"]
        [host."https://m.test"]
        client = [["../me.cert", "../me.key"], "other.pem"]`,
      'r.test/both.pem': `a word before\n${ca}\n# and between\n${ca}`,
      ...{ 'me.cert': certificate, 'me.key': key },
    });
    const trace: string[] = [];
    const { server, mirrors } = await here.find('r.test', { trace: (line) => trace.push(line) });
    expect(server.tls?.ca).toHaveLength(2);
    expect(mirrors[0]?.tls?.certificate?.key).toBe(key.trim());
    expect(trace).toContain(
      `${join(here.root, 'r.test/other.pem')} is not used: one client certificate is shown, the first`,
    );
  });

  test('refuses what is no certificate, no key, or not there, and names the file', async () => {
    const { ca, certificate, key } = await certificates();
    const other = await certificates();
    const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    const encrypted =
      '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n';
    const client = 'client = [["c", "k"]]';
    const cases: readonly (readonly [Record<string, string>, string, string])[] = [
      [{ 'hosts.toml': 'ca = "x.pem"' }, 'x.pem', 'is not there'],
      [{ 'hosts.toml': 'ca = "x"', x: 'hello' }, 'x', 'holds no certificate'],
      [{ 'hosts.toml': 'ca = "x"', x: key }, 'x', 'holds no certificate'],
      [{ 'hosts.toml': 'ca = "x"', x: broken }, 'x', 'holds a broken certificate'],
      [{ 'hosts.toml': 'ca = "x"', x: 'x'.repeat(1024 * 1024 + 1) }, 'x', 'is larger than 1 MiB'],
      [{ 'hosts.toml': 'ca = "x"', 'x/y': '' }, 'x', 'is no file'],
      [{ 'hosts.toml': client, c: certificate, k: ca }, 'k', 'holds no private key'],
      [{ 'hosts.toml': client, c: certificate, k: encrypted }, 'k', 'is encrypted'],
      [
        { 'hosts.toml': client, c: certificate, k: encrypted.replaceAll('ENCRYPTED ', '') },
        'k',
        'holds a private key that cannot be read',
      ],
      [
        { 'hosts.toml': client, c: certificate, k: other.key },
        'k',
        'is not the key of the certificate in ',
      ],
      [{ 'hosts.toml/x': '' }, 'hosts.toml', 'is no file'],
      [{ 'a.cert': certificate }, 'a.cert', 'is there without its .key'],
      [{ 'a.key': key, 'b.crt': ca }, 'a.key', 'is there without its .cert'],
    ];
    for (const [files, name, what] of cases) {
      const named = Object.entries(files).map(([file, text]) => [`r.test/${file}`, text]);
      await using here = await place(Object.fromEntries(named));
      const { code, message, hint } = await faultOf(here.find('r.test'));
      expect([code, message]).toEqual([
        'CONFIG_INVALID',
        expect.stringMatching(new RegExp(`^${join(here.root, 'r.test', name)} ${what}`)),
      ]);
      expect(hint).toBeDefined();
    }
  });

  test('adds HttpHeaders of config.json to the registry itself, not to its mirrors', async () => {
    await using here = await place({
      'r.test/hosts.toml': `
        header = { x-both = "toml" }
        [host."https://m.test".header]
        x-mirror = "1"`,
    });
    const HttpHeaders = { 'X-Config': 'one', 'X-Both': 'config', Authorization: 'Basic x' };
    const config = { path: '/c.json', read: async () => ({ HttpHeaders }) };
    const { server, mirrors } = await here.find('r.test', { config });
    expect(server.headers).toEqual({ 'x-config': 'one', 'x-both': 'toml' });
    expect(mirrors[0]?.headers).toEqual({ 'x-mirror': '1' });
  });

  test('refuses HttpHeaders that no request can have, without showing their values', async () => {
    await using here = await place();
    const read = async () => ({ HttpHeaders: { 'X-A': 'one\r\ntwo' } });
    const { message } = await faultOf(here.find('r.test', { config: { path: '/c.json', read } }));
    expect(message).toBe('"HttpHeaders" in /c.json: header X-A has no value that can be sent');
  });

  test('goes without HttpHeaders when config.json is broken', async () => {
    await using here = await place();
    const read = () => Promise.reject(new FinchError('CONFIG_INVALID', 'it is broken'));
    const trace: string[] = [];
    const options = {
      config: { path: '/c.json', read },
      trace: (line: string) => trace.push(line),
    };
    expect((await here.find('r.test', options)).server.headers).toEqual({});
    expect(trace).toEqual(['it is broken']);
  });
});
