import { expect, test } from 'bun:test';
import { proxyFor } from '../../src/http/proxy.ts';
import { redactText } from '../../src/http/redact.ts';
import { transportWith } from '../../src/http/transport.ts';
import { makeAuthority } from '../support/certificates.ts';
import { startProxy } from '../support/proxy.ts';
import { temporaryFolder } from '../support/temporary.ts';

const BOTH = { HTTP_PROXY: 'http://plain.test:1', HTTPS_PROXY: 'http://secure.test:2' };

/** The host of the proxy for an address, or undefined. */
function hostFor(address: string, env: Record<string, string>): string | undefined {
  return proxyFor(new URL(address), env)?.host;
}

test.each([
  ['http://r.test/', BOTH, 'plain.test:1'],
  ['https://r.test/', BOTH, 'secure.test:2'],
  ['https://r.test/', { https_proxy: 'http://small.test:3' }, 'small.test:3'],
  ['https://r.test/', { ...BOTH, https_proxy: 'http://small.test:3' }, 'secure.test:2'],
  ['https://r.test/', { HTTPS_PROXY: 'proxy.test:3128' }, 'proxy.test:3128'],
  ['https://r.test/', { HTTPS_PROXY: 'me:pw@proxy.test' }, 'proxy.test'],
  ['https://r.test/', { HTTPS_PROXY: 'https://proxy.test' }, 'proxy.test'],
  ['https://r.test/', { HTTP_PROXY: 'http://plain.test:1' }, undefined],
  ['https://r.test/', { HTTPS_PROXY: ' ' }, undefined],
  ['http://r.test/', { ...BOTH, REQUEST_METHOD: 'GET' }, undefined],
  ['http://localhost:5000/', BOTH, undefined],
  ['https://localhost./', BOTH, undefined],
  ['https://127.8.9.1/', BOTH, undefined],
  ['https://[::1]:5000/', BOTH, undefined],
  ['https://registry.localhost/', BOTH, undefined],
  ['https://[::ffff:127.0.0.1]/', BOTH, undefined],
] as const)('proxyFor(%s) with %j gives %s', (address, env, host) => {
  expect(hostFor(address, env)).toBe(host);
});

test.each([
  ['*', 'r.test', true],
  [' other.test , r.test ', 'r.test', true],
  ['r.test', 'sub.r.test', true],
  ['r.test', 'bar.test', false],
  ['test', 'r.test', true],
  ['.r.test', 'sub.r.test', true],
  ['.r.test', 'r.test', false],
  ['*.r.test', 'sub.r.test', true],
  ['*.r.test', 'r.test', false],
  ['R.TEST', 'r.test', true],
  ['r.test:5000', 'r.test:5000', true],
  ['r.test:5000', 'r.test:5001', false],
  ['r.test:443', 'r.test', true],
  ['10.1.2.3', '10.1.2.3', true],
  ['10.1.2.3:5000', '10.1.2.3', false],
  ['10.0.0.0/8', '10.1.2.3', true],
  ['10.0.0.0/8', '11.1.2.3', false],
  ['10.0.0.0/8', '10.test', false],
  ['10.0.0.0/99,x/8,/,10.0.0.0/', '10.1.2.3', false],
  ['fd00::/8', '[fd12::1]', true],
  ['[fd12::1]:443', '[fd12:0::1]', true],
  ['fd12::1', '[fd12:0::1]', true],
  [':443,,:', 'r.test', false],
] as const)('NO_PROXY=%s and %s: %p', (list, host, isExcepted) => {
  for (const name of ['NO_PROXY', 'no_proxy']) {
    expect(hostFor(`https://${host}/`, { ...BOTH, [name]: list }) === undefined).toBe(isExcepted);
  }
});

test.each([
  ['http://me:hush-hush@:99999', 'is no address of a proxy'],
  ['http://', 'is no address of a proxy'],
  ['http://me:123/hush@proxy.test:8080', 'is no address of a proxy'],
  ['me:123?hush@proxy.test:8080', 'is no address of a proxy'],
  ['http://me:123#hush@proxy.test:8080', 'is no address of a proxy'],
  ['socks5://me:hush-hush@proxy.test:1080', 'names a proxy that does not speak HTTP'],
])('proxyFor() says which variable is wrong, not what it holds: %s', (value, why) => {
  for (const name of ['HTTPS_PROXY', 'https_proxy']) {
    let caught: unknown;
    try {
      proxyFor(new URL('https://r.test/'), { [name]: value });
    } catch (error) {
      caught = error;
    }
    expect(caught).toMatchObject({ code: 'USAGE', message: `${name} ${why}` });
    expect(JSON.stringify(caught)).not.toContain('hush');
  }
});

test('proxyFor() has the password of a proxy hidden from then on', () => {
  const value = 'http://me:pr%2Fxy-pass-1@proxy.test:3128';
  expect(proxyFor(new URL('https://r.test/'), { HTTPS_PROXY: value })?.href).toBe(`${value}/`);
  expect(redactText('pr/xy-pass-1 or pr%2Fxy-pass-1')).toBe('REDACTED or REDACTED');
});

/** A server that says who was asked for; over TLS with the name `registry.invalid`. */
async function server(folder?: string) {
  const files = folder && (await makeAuthority(folder, { names: 'DNS:registry.invalid' }));
  const served = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    ...(files && { tls: { cert: Bun.file(files.certificate), key: Bun.file(files.key) } }),
    fetch: async ({ headers, body }) =>
      Response.json({
        host: headers.get('host'),
        login: headers.get('proxy-authorization'),
        length: (await new Response(body).bytes()).length,
      }),
  });
  const ca = files ? [await Bun.file(files.ca).text()] : [];
  return { port: served.port ?? 0, ca, [Symbol.asyncDispose]: () => served.stop(true) };
}

const LOGIN = 'me:p@ss/w+rd';
const withLogin = (host: string) => `http://me:${encodeURIComponent('p@ss/w+rd')}@${host}`;

test('transportWith() sends a request to a host that only the proxy knows, with its login, over TLS', async () => {
  await using folder = await temporaryFolder();
  await using served = await server(folder.path);
  await using proxy = await startProxy({ port: served.port, login: LOGIN });
  const env = { HTTPS_PROXY: withLogin(proxy.host) };
  const send = transportWith({ proxyFor: (url) => proxyFor(url, env) });
  const url = new URL('https://registry.invalid:5000/v2/');
  const response = await send({
    ...{ method: 'PUT', url, tls: { ca: served.ca } },
    body: () => ({ bytes: new Uint8Array(100_000) }),
    resolve: () => Promise.reject(new Error('a proxy looks names up')),
  });
  expect(await response.json()).toEqual({
    ...{ host: 'registry.invalid:5000', login: null, length: 100_000 },
  });
  expect(proxy.asked).toEqual(['CONNECT registry.invalid:5000 HTTP/1.1']);
});

test('transportWith() sends a plain request through the proxy of HTTP_PROXY', async () => {
  await using served = await server();
  await using proxy = await startProxy({ port: served.port, login: LOGIN });
  const env = { HTTP_PROXY: withLogin(proxy.host) };
  const send = transportWith({ proxyFor: (url) => proxyFor(url, env) });
  const response = await send({ method: 'GET', url: new URL('http://registry.invalid/v2/') });
  expect(await response.json()).toMatchObject({ host: 'registry.invalid' });
  expect(proxy.asked).toEqual(['GET http://registry.invalid/v2/ HTTP/1.1']);
});

test('transportWith() says that a proxy refuses, and which variable to look at', async () => {
  await using proxy = await startProxy({ port: 1, login: LOGIN });
  const value = `http://me:wr0ng-pass@${proxy.host}`;
  const env = { HTTP_PROXY: value, HTTPS_PROXY: value };
  const send = transportWith({ proxyFor: (url) => proxyFor(url, env) });
  await expect(
    send({ method: 'GET', url: new URL('http://registry.invalid/') }),
  ).rejects.toMatchObject({
    code: 'NETWORK',
    message: `the proxy ${proxy.host} wants another user name and password`,
    hint: `set HTTP_PROXY to http://USER:PASSWORD@${proxy.host}`,
  });
  await expect(
    send({ method: 'GET', url: new URL('https://registry.invalid/') }),
  ).rejects.toMatchObject({
    code: 'NETWORK',
    message: `the proxy ${proxy.host} opened no way to registry.invalid`,
    hint: expect.stringContaining('HTTPS_PROXY'),
  });
});

test('transportWith() tells a proxy that cannot be reached from a registry that cannot', async () => {
  const env = { HTTPS_PROXY: 'http://127.0.0.1:1', HTTP_PROXY: 'http://proxy.invalid:3128' };
  const send = transportWith({ proxyFor: (url) => proxyFor(url, env) });
  for (const [scheme, message] of [
    ['https', 'cannot connect to the proxy 127.0.0.1:1: connection refused'],
    ['http', 'cannot find the proxy proxy.invalid:3128'],
  ]) {
    const url = new URL(`${scheme}://registry.invalid/`);
    await expect(send({ method: 'GET', url })).rejects.toMatchObject({ code: 'NETWORK', message });
  }
});

test.each([
  ['text', 'hello, I am no proxy\r\n\r\n'],
  ['nothing', ''],
  ['an answer of its own', 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello'],
])(
  'transportWith() names the proxy that answers with %s, and offers no way without TLS',
  async (_, answer) => {
    await using server = closing(
      Bun.listen({
        ...{ hostname: '127.0.0.1', port: 0 },
        socket: { data: (socket) => void socket.end(answer) },
      }),
    );
    const host = `127.0.0.1:${server.port}`;
    const send = transportWith({
      proxyFor: (url) => proxyFor(url, { HTTPS_PROXY: `http://${host}` }),
    });
    const url = new URL('https://registry.invalid/v2/');
    await expect(send({ method: 'GET', url })).rejects.toMatchObject({
      code: 'NETWORK',
      message: expect.stringContaining(`registry.invalid through the proxy ${host} `),
      hint: 'check HTTPS_PROXY with its user name and password, and NO_PROXY',
    });
  },
);

function closing(server: { readonly port: number; stop: (hard: boolean) => void }) {
  return { port: server.port, [Symbol.asyncDispose]: async () => server.stop(true) };
}
