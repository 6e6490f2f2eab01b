import { describe, expect, test } from 'bun:test';
import type { HttpRequest } from '../../src/http/transport.ts';
import { connect } from '../../src/registry/connect.ts';
import { Endpoint } from '../../src/registry/endpoint.ts';
import { openRepository } from '../../src/registry/open-repository.ts';
import { defaultSite, type Site } from '../../src/registry/site.ts';
import { makeAuthority } from '../support/certificates.ts';
import { startFakeRegistry } from '../support/fake-registry.ts';
import { recordingTransport } from '../support/open-test-repository.ts';
import { temporaryFolder } from '../support/temporary.ts';

function siteAt(address: string, more: Partial<Site> = {}): Site {
  const { host, protocol, pathname } = new URL(address);
  const scheme = protocol === 'http:' ? 'http:' : 'https:';
  return { ...defaultSite(host), protocol: scheme, root: pathname.replace(/\/$/, ''), ...more };
}

const anonymous = { credential: async () => undefined };

describe('an endpoint of a site', () => {
  test('has its API below the root, and names the registry that it stands for', () => {
    const site = siteAt('https://mirror.test/cache/v2', { namespace: 'docker.io' });
    const endpoint = new Endpoint('mirror.test', { site });
    expect(endpoint.api('/app/tags/list').href).toBe(
      'https://mirror.test/cache/v2/app/tags/list?ns=docker.io',
    );
    expect(endpoint.url('/elsewhere').href).toBe('https://mirror.test/elsewhere');
    expect(new Endpoint('ghcr.io').api('/').href).toBe('https://ghcr.io/v2/');
  });

  test('speaks the protocol that was written down, and no other', async () => {
    await using folder = await temporaryFolder();
    await using secure = startFakeRegistry({ tls: await makeAuthority(folder.path) });
    await using plain = startFakeRegistry();
    const ask = async (site: Site) => {
      const { sent, transport } = recordingTransport();
      const retry = { attempts: 1 };
      const { endpoint, send } = connect(site.name, { transport, retry, ...anonymous, site });
      const answer = await send({ method: 'GET', url: endpoint.api('/') }).then(
        ({ status }) => status,
        ({ code }) => code,
      );
      return [answer, ...sent.map(({ url, insecure }) => `${url.protocol} ${insecure}`)];
    };
    const at = (address: string, more?: Partial<Site>) => ask(siteAt(`${address}/v2`, more));
    expect(await at(`http://${plain.host}`)).toEqual([200, 'http: false']);
    expect(await at(`https://${plain.host}`)).toEqual(['NETWORK', 'https: false']);
    expect(await at(`http://${secure.host}`)).toEqual(['NETWORK', 'http: false']);
    expect(await at(`https://${secure.host}`)).toEqual(['NETWORK', 'https: false']);
    const skipVerify = true;
    expect(await at(`https://${secure.host}`, { skipVerify })).toEqual([200, 'https: true']);
    // On this machine, where nobody has said how.
    const unsaid = (host: string) => ask({ ...defaultSite(host), skipVerify });
    expect(await unsaid(secure.host)).toEqual([200, 'https: true']);
    expect(await unsaid(plain.host)).toEqual([200, 'https: true', 'http: false']);
  });

  test('sends its headers and shows its certificate to itself alone, whoever it redirects to', async () => {
    const sent: HttpRequest[] = [];
    const transport = async (request: HttpRequest) => {
      sent.push(request);
      const next = ['https://r.test/b', 'https://r.test:444/c', 'https://cdn.test/d'][
        sent.length - 1
      ];
      const response = new Response(null, next ? { status: 307, headers: { location: next } } : {});
      return Object.defineProperty(response, 'url', { value: request.url.href });
    };
    const certificate = { chain: 'chain', key: 'key' };
    const site = siteAt('https://r.test/v2', {
      headers: { 'x-secret': 'one', accept: 'none' },
      tls: { ca: ['ca'], certificate },
    });
    const { endpoint, send } = connect('r.test', { transport, ...anonymous, site });
    await send({ method: 'GET', url: endpoint.api('/a'), headers: { accept: 'all' } });
    const shown = sent.map(({ url, headers = {}, tls }) => [
      ...[url.href, headers['x-secret'], headers['accept'], tls?.certificate?.key, tls?.ca?.[0]],
    ]);
    expect(shown).toEqual([
      ['https://r.test/v2/a', 'one', 'all', 'key', 'ca'],
      ['https://r.test/b', 'one', 'all', 'key', 'ca'],
      ['https://r.test:444/c', undefined, 'all', undefined, 'ca'],
      ['https://cdn.test/d', undefined, 'all', undefined, 'ca'],
    ]);
  });
});

test('a mirror is asked with its own login, and errors name it', async () => {
  const asked: string[] = [];
  await using mirror = startFakeRegistry({
    script: () =>
      new Response(null, { status: 401, headers: { 'www-authenticate': 'Basic realm="m"' } }),
  });
  const repository = openRepository(
    { registry: 'docker.io', name: 'library/app' },
    {
      transport: recordingTransport().transport,
      keychain: {
        async credential(registry) {
          asked.push(registry);
          return undefined;
        },
      },
      site: siteAt(`${mirror.origin}/v2`, { namespace: 'docker.io' }),
    },
  );
  await expect(repository.resolve('latest')).rejects.toMatchObject({
    code: 'UNAUTHENTICATED',
    hint: `log in with: finch login ${mirror.host}`,
  });
  expect(asked).toEqual([mirror.host]);
});

test('a page by which nginx asks for a client certificate becomes a hint where to put it', async () => {
  const page = '<html><head><title>400 No required SSL certificate was sent</title></head></html>';
  await using proxy = startFakeRegistry({
    script: () => new Response(page, { status: 400, headers: { 'content-type': 'text/html' } }),
  });
  const { transport } = recordingTransport();
  const keychain = { credential: async () => undefined };
  const site = siteAt(`${proxy.origin}/v2`);
  const repository = openRepository(
    { registry: 'r.test', name: 'app' },
    { transport, keychain, site },
  );
  await expect(repository.resolve('1')).rejects.toMatchObject({
    message: `registry ${proxy.host}: it wants a client certificate (400 Bad Request)`,
    hint: expect.stringContaining(`certs.d/${proxy.host} of finch's home`),
  });
});
