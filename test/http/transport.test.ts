import { expect, test } from 'bun:test';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { readWhole } from '../../src/http/body.ts';
import { isPassing } from '../../src/http/failure.ts';
import type { TlsSettings } from '../../src/http/tls-options.ts';
import { sendRequest } from '../../src/http/transport.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { makeAuthority } from '../support/certificates.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** A server that answers with what it got: method, headers, length and digest of the body. */
function echo(tls?: { certificate: string; key: string }) {
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    ...(tls && { tls: { cert: Bun.file(tls.certificate), key: Bun.file(tls.key) } }),
    async fetch(request) {
      const body = new Uint8Array(await request.arrayBuffer());
      const headers = Object.fromEntries(request.headers);
      return Response.json({
        method: request.method,
        headers,
        length: body.length,
        digest: digestOf(body),
      });
    },
  });
  return {
    url: new URL(`http${tls ? 's' : ''}://localhost:${server.port}/`),
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

/** A TCP server that does what `onData` does with the first bytes of every connection. */
async function raw(onData: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', () => onData(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: new URL(`http://127.0.0.1:${port}/`),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const bytes = crypto.getRandomValues(new Uint8Array(60_000));

for (const protocol of ['http', 'https']) {
  test(`sendRequest() sends each kind of body over ${protocol} whole and with its length`, async () => {
    await using folder = await temporaryFolder();
    const tls = protocol === 'https' ? await makeAuthority(folder.path) : undefined;
    await using server = echo(tls);
    const path = join(folder.path, 'blob.json');
    await Bun.write(path, Buffer.concat([bytes, bytes]));
    const stream = (async function* () {
      yield bytes.subarray(0, 1);
      yield bytes.subarray(1);
    })();
    const bodies = [
      { bytes },
      { file: { path, start: 60_000, end: 120_000 } },
      { stream, length: bytes.length },
    ];
    for (const body of bodies) {
      const response = await sendRequest({
        method: 'PUT',
        url: server.url,
        insecure: true,
        headers: { 'content-type': 'application/octet-stream' },
        body: () => body,
      });
      expect(await response.json()).toMatchObject({
        method: 'PUT',
        length: 60_000,
        digest: digestOf(bytes),
        headers: {
          'content-length': '60000',
          'content-type': 'application/octet-stream',
          'accept-encoding': 'identity',
        },
      });
    }
  });
}

test('sendRequest() says Content-Length: 0 in a POST without a body', async () => {
  await using server = echo();
  const response = await sendRequest({ method: 'POST', url: server.url });
  expect(await response.json()).toMatchObject({ headers: { 'content-length': '0' } });
});

test('sendRequest() hands over a compressed body as the server sent it', async () => {
  const gzip = Bun.gzipSync(Buffer.from('hello'));
  await using server = await raw((socket) =>
    socket.end(
      Buffer.concat([
        Buffer.from(
          `HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${gzip.length}\r\n\r\n`,
        ),
        gzip,
      ]),
    ),
  );
  const response = await sendRequest({ method: 'GET', url: server.url });
  expect(await readWhole(response, { limit: 1000 })).toEqual(Buffer.from(gzip));
});

test('sendRequest() follows no redirect and keeps the query as it is', async () => {
  await using server = await raw((socket) =>
    socket.end('HTTP/1.1 307 X\r\nlocation: /a%2Fb?x=%7e&y=+1\r\ncontent-length: 0\r\n\r\n'),
  );
  const response = await sendRequest({ method: 'GET', url: server.url });
  expect([response.status, response.headers.get('location')]).toEqual([307, '/a%2Fb?x=%7e&y=+1']);
});

test('sendRequest() gives an answer that comes before the body is sent', async () => {
  await using server = await raw((socket) =>
    socket.write('HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno'),
  );
  const stream = (async function* () {
    for (let i = 0; i < 4000; i++) yield new Uint8Array(65_536);
  })();
  const body = () => ({ stream, length: 4000 * 65_536 });
  const response = await sendRequest({ method: 'PUT', url: server.url, body });
  expect([response.status, await response.text()]).toEqual([413, 'no']);
});

test('sendRequest() throws the error of a body that cannot be read', async () => {
  await using server = echo();
  const stream = (async function* () {
    yield new Uint8Array(10);
    throw new Error('the disk broke');
  })();
  const body = () => ({ stream, length: 20 });
  const sent = sendRequest({ method: 'PUT', url: server.url, body });
  await expect(sent).rejects.toThrow('the disk broke');
});

test('sendRequest() throws NETWORK naming the host, and a hint, when nothing listens', async () => {
  let url: URL;
  {
    await using server = await raw(() => {});
    url = server.url;
  }
  const error = await sendRequest({ method: 'GET', url }).catch((caught: unknown) => caught);
  expect(error).toMatchObject({
    code: 'NETWORK',
    message: `cannot connect to ${url.host}: connection refused`,
    hint: `check that a registry runs at ${url.host}`,
  });
  expect(isPassing(error)).toBe(false);
});

test('sendRequest() throws NETWORK for a host name that does not exist', async () => {
  const sent = sendRequest({ method: 'GET', url: new URL('http://registry.invalid:5000/') });
  await expect(sent).rejects.toMatchObject({
    code: 'NETWORK',
    message: 'cannot find the host registry.invalid:5000',
  });
});

test('sendRequest() throws NETWORK, worth another try, when the connection breaks', async () => {
  await using server = await raw((socket) => socket.resetAndDestroy());
  const error = await sendRequest({ method: 'GET', url: server.url }).catch(
    (caught: unknown) => caught,
  );
  expect(error).toMatchObject({ code: 'NETWORK' });
  expect(isPassing(error)).toBe(true);
});

test('sendRequest() names --insecure-registry when a host does not speak TLS', async () => {
  await using server = echo();
  const url = new URL(server.url.href.replace('http:', 'https:'));
  await expect(sendRequest({ method: 'GET', url })).rejects.toMatchObject({
    code: 'NETWORK',
    message: `${url.host} does not speak TLS`,
    hint: expect.stringContaining(`use --insecure-registry if ${url.host} speaks plain HTTP`),
  });
});

test('sendRequest() does not trust a certificate of an unknown authority, unless insecure', async () => {
  await using folder = await temporaryFolder();
  await using server = echo(await makeAuthority(folder.path));
  const { url } = server;
  await expect(sendRequest({ method: 'GET', url })).rejects.toMatchObject({
    code: 'NETWORK',
    message: `the certificate of ${url.host} is not trusted`,
    hint: expect.stringMatching(/SSL_CERT_FILE.*--insecure-registry/),
  });
  expect((await sendRequest({ method: 'GET', url, insecure: true })).status).toBe(200);
});

/** Runs {@link sendRequest} in another process: Bun reads these variables once. */
async function statusInProcess(
  url: URL,
  env: Record<string, string>,
  tls: TlsSettings = {},
): Promise<string> {
  const code = `
    import type { TlsSettings } from '../../src/http/tls-options.ts';
import { sendRequest } from ${JSON.stringify(join(import.meta.dir, '../../src/http/transport.ts'))};
    const sent = sendRequest({ method: 'GET', url: new URL(${JSON.stringify(url.href)}), tls: ${JSON.stringify(tls)} });
    console.log(await sent.then((r) => r.status, (e) => e.message));`;
  const child = Bun.spawn([process.execPath, '-e', code], {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
    stderr: 'inherit',
  });
  return (await child.stdout.text()).trim();
}

for (const name of ['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS']) {
  test(`sendRequest() trusts the certificate authorities of ${name}`, async () => {
    await using folder = await temporaryFolder();
    const certificates = await makeAuthority(folder.path);
    await using server = echo(certificates);
    expect(await statusInProcess(server.url, { [name]: certificates.ca })).toBe('200');
  });
}

test('sendRequest() trusts further authorities for one request, and no other', async () => {
  await using folder = await temporaryFolder();
  const certificates = await makeAuthority(folder.path);
  await using server = echo(certificates);
  const { url } = server;
  const tls = { ca: [await Bun.file(certificates.ca).text()] };
  expect((await sendRequest({ method: 'GET', url, tls })).status).toBe(200);
  await expect(sendRequest({ method: 'GET', url })).rejects.toMatchObject({
    message: `the certificate of ${url.host} is not trusted`,
  });
});

test('sendRequest() trusts those of the environment beside further ones', async () => {
  await using folder = await temporaryFolder();
  await using otherFolder = await temporaryFolder();
  const certificates = await makeAuthority(folder.path);
  const other = await makeAuthority(otherFolder.path);
  await using server = echo(certificates);
  const tls = { ca: [await Bun.file(other.ca).text()] };
  for (const name of ['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS']) {
    expect(await statusInProcess(server.url, { [name]: certificates.ca }, tls)).toBe('200');
  }
});

test('sendRequest() shows a client certificate to who asks for one', async () => {
  await using folder = await temporaryFolder();
  const { ca, certificate, key } = await makeAuthority(folder.path);
  await using server = Bun.serve({
    ...{ hostname: '127.0.0.1', port: 0, fetch: () => new Response('ok') },
    tls: {
      ...{ cert: Bun.file(certificate), key: Bun.file(key), ca: Bun.file(ca) },
      ...{ requestCert: true, rejectUnauthorized: true },
    },
  });
  const url = new URL(`https://localhost:${server.port}/`);
  const authorities = [await Bun.file(ca).text()];
  const own = { chain: await Bun.file(certificate).text(), key: await Bun.file(key).text() };
  const without = sendRequest({ method: 'GET', url, tls: { ca: authorities } });
  await expect(without).rejects.toMatchObject({ code: 'NETWORK' });
  const tls = { ca: authorities, certificate: own };
  expect((await sendRequest({ method: 'GET', url, tls })).status).toBe(200);
});

test('sendRequest() connects to an address that was looked up, and checks the certificate of the name', async () => {
  await using folder = await temporaryFolder();
  const certificates = await makeAuthority(folder.path, { names: 'DNS:registry.invalid' });
  await using server = echo(certificates);
  const tls = { ca: [await Bun.file(certificates.ca).text()] };
  const resolve = async () => ['127.0.0.1'];
  const url = new URL(`https://registry.invalid:${server.url.port}/a?b`);
  for (let i = 0; i < 2; i++) {
    const response = await sendRequest({ method: 'GET', url, tls, resolve });
    expect(response.url).toBe(url.href);
    expect(await response.json()).toMatchObject({ headers: { host: url.host } });
    const other = new URL(url.href.replace('registry', 'other'));
    await expect(sendRequest({ method: 'GET', url: other, tls, resolve })).rejects.toMatchObject({
      message: `the certificate of ${other.host} is for another host name`,
    });
  }
});

test('sendRequest() goes on to the next address when one takes no connection', async () => {
  await using server = echo();
  const url = new URL(`http://registry.invalid:${server.url.port}/`);
  const resolve = async () => ['127.0.0.2', '[::1]', '127.0.0.1'];
  const body = () => ({ bytes });
  const response = await sendRequest({ method: 'PUT', url, resolve, body });
  expect(await response.json()).toMatchObject({ length: bytes.length });
  const nowhere = async () => ['127.0.0.2', '127.0.0.3'];
  await expect(sendRequest({ method: 'GET', url, resolve: nowhere })).rejects.toMatchObject({
    message: `cannot connect to ${url.host}: connection refused`,
  });
});

test.each([
  ['a line break', 'Bearer a\r\nx-evil: 1'],
  ['a line feed', 'Bearer a\nb'],
  ['a zero', 'Bearer a\0b'],
  ['a next line', 'Bearer a\u0085b'],
  ['what is no byte', 'Bearer a\u010ab'],
])('sendRequest() sends no header with %s, and does not say what it holds', async (_, value) => {
  await using server = echo();
  const headers = { authorization: value };
  const error = await sendRequest({ method: 'GET', url: server.url, headers }).catch(
    (caught: unknown) => caught,
  );
  expect(error).toMatchObject({ message: 'the header "authorization" cannot be sent' });
  expect(Bun.inspect(error)).not.toContain('Bearer');
  const named = sendRequest({ method: 'GET', url: server.url, headers: { 'a\r\nb': '1' } });
  await expect(named).rejects.toMatchObject({ message: 'the header "a\\r\\nb" cannot be sent' });
});

test('sendRequest() throws CANCELLED when the signal fires, also in the middle of a body', async () => {
  await using silent = await raw(() => {});
  const controller = new AbortController();
  const sent = sendRequest({ method: 'GET', url: silent.url, signal: controller.signal });
  controller.abort();
  await expect(sent).rejects.toMatchObject({ code: 'CANCELLED' });

  await using partial = await raw((socket) =>
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc'),
  );
  const second = new AbortController();
  const response = await sendRequest({ method: 'GET', url: partial.url, signal: second.signal });
  const reading = readWhole(response, { limit: 100, signal: second.signal });
  second.abort();
  await expect(reading).rejects.toMatchObject({ code: 'CANCELLED' });
});

test('readWhole() throws NETWORK when a body is shorter than announced', async () => {
  await using server = await raw((socket) =>
    socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc'),
  );
  const response = await sendRequest({ method: 'GET', url: server.url });
  await expect(readWhole(response, { limit: 100 })).rejects.toMatchObject({ code: 'NETWORK' });
});

test('readWhole() throws REGISTRY when a body is longer than allowed', async () => {
  await using server = echo();
  const response = await sendRequest({ method: 'GET', url: server.url });
  await expect(readWhole(response, { limit: 10 })).rejects.toMatchObject({ code: 'REGISTRY' });
});
