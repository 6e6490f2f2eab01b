import { expect, test } from 'bun:test';
import { FinchError } from '../../src/errors.ts';
import type { HttpRequest } from '../../src/http/transport.ts';
import { sendRequest } from '../../src/http/transport.ts';
import { Endpoint } from '../../src/registry/endpoint.ts';
import { emptyMemory } from '../../src/registry/memory/registry-memory.ts';
import { defaultSite } from '../../src/registry/site.ts';
import { makeAuthority } from '../support/certificates.ts';
import { startFakeRegistry } from '../support/fake-registry.ts';
import { openTestRepository, recordingTransport } from '../support/open-test-repository.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** What Go says. */
const FORGOT_TLS = 'Client sent an HTTP request to an HTTPS server.';

const origins = (sent: readonly { readonly url: URL; readonly insecure?: boolean }[]) =>
  sent.map(({ url, insecure }) => `${url.protocol}${insecure ? ' unverified' : ''}`);

test.each([
  ['docker.io', 'https://registry-1.docker.io/v2/'],
  ['ghcr.io', 'https://ghcr.io/v2/'],
  ['registry.test:5000', 'https://registry.test:5000/v2/'],
  ['localhost:5000', 'http://localhost:5000/v2/'],
  ['LOCALHOST', 'http://localhost/v2/'],
  ['127.8.9.1:80', 'http://127.8.9.1/v2/'],
  ['[::1]:5000', 'http://[::1]:5000/v2/'],
  ['127.0.0.1.test', 'https://127.0.0.1.test/v2/'],
])('an endpoint of %s is at %s', (registry, href) => {
  expect(new Endpoint(registry).url('/v2/').href).toBe(href);
});

test('an endpoint owns its host and port with either scheme, and nothing else', () => {
  const endpoint = new Endpoint('r.test');
  const owned = [
    'https://r.test/x',
    'http://r.test/x',
    'https://r.test:443/',
    'https://r.test:444/',
    'https://x.r.test/',
  ];
  expect(owned.map((href) => endpoint.owns(new URL(href)))).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
});

test('a host of this machine that wants TLS is spoken to over TLS, verified', async () => {
  await using folder = await temporaryFolder();
  await using registry = startFakeRegistry({ tls: await makeAuthority(folder.path) });
  const { sent, transport } = recordingTransport();
  const retry = { attempts: 1 };
  const repository = openTestRepository(registry.host, { transport, retry });
  await expect(repository.resolve('a')).rejects.toMatchObject({
    code: 'NETWORK',
    message: `the certificate of ${registry.host} is not trusted`,
  });
  expect(origins(sent)).toEqual(['http:', 'https:']);
});

test('a host of this machine that wanted TLS is spoken to over TLS at once, and over plain HTTP where it does not any more', async () => {
  const memory = emptyMemory();
  let speaks = 'https:';
  const run = async () => {
    const sent: string[] = [];
    const transport = async ({ method, url }: HttpRequest) => {
      sent.push(`${method} ${url.protocol}`);
      if (url.protocol === speaks) return new Response(null, { status: 404 });
      if (speaks === 'https:') return new Response(FORGOT_TLS, { status: 400 });
      const cause = Object.assign(new Error('no TLS'), { code: 'EPROTO' });
      throw new FinchError('NETWORK', 'no TLS', { cause });
    };
    await openTestRepository('127.0.0.1:5000', { transport, memory }).resolve('a');
    return sent;
  };
  expect(await run()).toEqual(['HEAD http:', 'HEAD https:']);
  expect(await run()).toEqual(['HEAD https:']);
  speaks = 'http:';
  expect(await run()).toEqual(['HEAD https:', 'HEAD http:']);
  expect(await run()).toEqual(['HEAD http:']);
  expect(memory.traits('127.0.0.1:5000')).toEqual({ tls: false });
});

test('a host of this machine for which there are certificates is spoken to over TLS only', async () => {
  await using registry = startFakeRegistry();
  const { sent, transport } = recordingTransport();
  const tls = { ca: [] };
  const repository = openTestRepository(registry.host, {
    ...{ transport, retry: { attempts: 1 }, site: { ...defaultSite(registry.host), tls } },
  });
  await expect(repository.resolve('a')).rejects.toMatchObject({ code: 'NETWORK' });
  expect(origins(sent)).toEqual(['https:']);
});

test('an insecure host is spoken to over TLS without verification', async () => {
  await using folder = await temporaryFolder();
  await using registry = startFakeRegistry({ tls: await makeAuthority(folder.path) });
  const { sent, transport } = recordingTransport();
  const repository = openTestRepository(registry.host, { transport, insecure: true });
  await Promise.all([repository.resolve('a'), repository.resolve('b')]);
  await repository.resolve('c');
  expect(origins(sent)).toEqual(Array(3).fill('https: unverified'));
});

test('an insecure host without TLS is spoken to over plain HTTP, and asked for TLS once', async () => {
  await using registry = startFakeRegistry();
  const { sent, transport } = recordingTransport();
  const repository = openTestRepository(registry.host, { transport, insecure: true });
  await Promise.all([repository.resolve('a'), repository.resolve('b')]);
  await repository.resolve('c');
  expect(origins(sent)).toEqual(['https: unverified', 'http:', 'http:', 'http:']);
});

test('an insecure host where nothing listens is refused', async () => {
  const { sent, transport } = recordingTransport();
  const repository = openTestRepository('127.0.0.1:1', { transport, insecure: true });
  await expect(repository.resolve('a')).rejects.toMatchObject({
    code: 'NETWORK',
    message: 'cannot connect to 127.0.0.1:1: connection refused',
  });
  expect(origins(sent)).toEqual(['https: unverified', 'http:']);
});

test('a plain 400 of a host of this machine is not mistaken for TLS', async () => {
  await using registry = startFakeRegistry({ script: () => new Response('bad', { status: 400 }) });
  await expect(openTestRepository(registry.host).tags()).rejects.toMatchObject({
    code: 'REGISTRY',
    message: `registry ${registry.host}: 400 Bad Request`,
  });
});

test('a host with a certificate in its folder that breaks the handshake off may speak plain HTTP', async () => {
  await using registry = startFakeRegistry();
  const { host } = registry;
  const site = { ...defaultSite(host), tls: { ca: [] } };
  const send = new Endpoint(host, { site }).over(sendRequest);
  const asking = send({ method: 'GET', url: new URL(`https://${host}/v2/`) });
  await expect(asking).rejects.toMatchObject({
    message: `${host} broke off the TLS handshake`,
    hint: expect.stringContaining(
      `if it speaks plain HTTP, name it http://${host} in the hosts.toml`,
    ),
  });
});
