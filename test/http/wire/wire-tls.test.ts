import { expect, test } from 'bun:test';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { TlsSettings } from '../../../src/http/tls-options.ts';
import { makeAuthority, signClient } from '../../support/certificates.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { byWire, expectSame, read, upload, watching } from './both-ways.ts';

/** Servers and settings with what becomes of an upload; HOST is the server's. */
const CERTIFICATES: readonly (readonly [string, object, string | number, string])[] = [
  ['that is good', {}, 201, 'localhost'],
  ['for an address', {}, 201, '127.0.0.1'],
  [
    'that has expired',
    { days: -1 },
    'the certificate of HOST has expired or is not valid yet',
    'localhost',
  ],
  [
    'for another host',
    { names: 'DNS:other.test' },
    'the certificate of HOST is for another host name',
    'localhost',
  ],
  [
    'for another address',
    { names: 'IP:127.0.0.2' },
    'the certificate of HOST is for another host name',
    '127.0.0.1',
  ],
  [
    'with an address as a name',
    { names: 'DNS:127.0.0.1' },
    'the certificate of HOST is for another host name',
    '127.0.0.1',
  ],
  [
    'that nobody signed',
    { selfSigned: true },
    'the certificate of HOST is not trusted',
    'localhost',
  ],
];

test.each(CERTIFICATES)(
  'a certificate %s is judged as fetch judges it, and not at all where it is not to be',
  async (_, options, expected, host) => {
    await using folder = await temporaryFolder();
    const certificates = await makeAuthority(folder.path, options);
    await using server = await watching(certificates);
    const url = server.url(host);
    const tls = { ca: [await read(certificates.ca)] };
    await expectSame(
      { url, tls },
      typeof expected === 'number' ? expected : expected.replace('HOST', url.host),
    );
    const count = server.seen.length;
    expect(count).toBe(expected === 201 ? 2 : 0);
    // The date is looked at first.
    await expectSame({ url }, expect.stringMatching(/is not trusted|has expired/));
    expect(server.seen).toHaveLength(count);
    await expectSame({ url, insecure: true }, 201);
  },
);

test('a client certificate is shown to who asks for one, and its absence is the error that fetch has', async () => {
  await using folder = await temporaryFolder();
  const certificates = await makeAuthority(folder.path);
  const own = await signClient(folder.path);
  const ca = await read(certificates.ca);
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3']) {
    const settings = { ca, requestCert: true, rejectUnauthorized: true, maxVersion };
    await using server = await watching(certificates, settings);
    const url = server.url();
    const certificate = { chain: await read(own.certificate), key: await read(own.key) };
    await expectSame({ url, tls: { ca: [ca], certificate } }, 201);
    await expectSame({ url, tls: { ca: [ca] } }, `${url.host} does not speak TLS`);
  }
});

test.each(['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS'])(
  'our own writer trusts the authorities of %s, alone and beside further ones',
  async (name) => {
    await using folder = await temporaryFolder();
    await using otherFolder = await temporaryFolder();
    const certificates = await makeAuthority(folder.path);
    const other = await makeAuthority(otherFolder.path);
    await using server = await watching(certificates);
    const ask = async (env: Record<string, string>, tls: TlsSettings) => {
      const code = `
      import { transportWith } from ${JSON.stringify(join(import.meta.dir, '../../../src/http/transport.ts'))};
      const body = () => ({ bytes: new Uint8Array(100) });
      const request = { method: 'PUT', once: true, url: new URL(${JSON.stringify(server.url().href)}), body, tls: ${JSON.stringify(tls)} };
      console.log(await transportWith({ wireBytes: 0 })(request).then((r) => r.status, (e) => e.message));
      process.exit();`;
      const child = Bun.spawn([process.execPath, '-e', code], {
        env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
        stderr: 'inherit',
      });
      return (await child.stdout.text()).trim();
    };
    const env = { [name]: certificates.ca };
    expect(await ask(env, {})).toBe('201');
    expect(await ask(env, { ca: [await read(other.ca)] })).toBe('201');
    expect(await ask({}, {})).toContain('is not trusted');
    expect(server.seen.map(({ headers }) => headers.includes('connection: close'))).toEqual([
      true,
      true,
    ]);
  },
);

test('a host that is not there, not found, or speaks no TLS is the error that fetch has', async () => {
  const plain = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response() });
  const url = new URL(plain.url.href.replace('http:', 'https:'));
  await expectSame({ url }, `${url.host} does not speak TLS`);
  await expectSame({ url, insecure: true }, `${url.host} does not speak TLS`);
  await plain.stop(true);
  await expectSame({ url }, `cannot connect to ${url.host}: connection refused`);
  const nowhere = new URL('https://registry.invalid/');
  await expectSame({ url: nowhere }, 'cannot find the host registry.invalid');
  const bad = upload(byWire, { url, tls: { ca: ['no certificate'] } });
  await expect(bad).rejects.toMatchObject({ code: 'NETWORK' });
});

test.each(['end', 'resetAndDestroy'] as const)(
  'a handshake that the server breaks off (%s) is the error that fetch has',
  async (how) => {
    await using server = createServer((socket) => {
      socket.on('error', () => {}).once('data', () => socket[how]());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const host = `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
    for (const insecure of [false, true]) {
      const url = new URL(`https://${host}/`);
      await expectSame({ url, insecure }, `the connection to ${host} was closed`);
    }
  },
);

test('a variable of Node.js turns off no checks, nor on what is to be off', async () => {
  await using folder = await temporaryFolder();
  const certificates = await makeAuthority(folder.path);
  await using server = await watching(certificates);
  const url = server.url();
  const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  try {
    await expectSame({ url }, `the certificate of ${url.host} is not trusted`);
    await expectSame({ url, tls: { ca: [await read(certificates.ca)] } }, 201);
    await expectSame({ url, insecure: true }, 201);
  } finally {
    if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
  }
});
