import { expect, test } from 'bun:test';
import { CANARY } from '../support/canary.ts';
import { makeAuthority } from '../support/certificates.ts';
import { startFakeRegistry } from '../support/fake-registry.ts';
import { buildImage } from '../support/images.ts';
import { startProxy } from '../support/proxy.ts';
import { writeOciArchive } from './support/archives.ts';
import { expectError } from './support/expectations.ts';
import { filesIn } from './support/home-contents.ts';
import { workbench } from './support/workbench.ts';

test('finch pushes to a registry that only the proxy of HTTPS_PROXY can reach, with its login', async () => {
  await using bench = await workbench();
  const tls = await makeAuthority(bench.folder, { names: 'DNS:registry.invalid' });
  await using registry = startFakeRegistry({ tls });
  const port = Number(registry.host.split(':')[1]);
  await using proxy = await startProxy({ port, login: `me:${CANARY}` });
  const archive = await writeOciArchive(
    bench.path('app.tar'),
    'registry.invalid/app:1',
    buildImage(),
  );
  await bench.ok(['load', '-q', '-i', archive]);
  const env = {
    HTTPS_PROXY: `http://me:${encodeURIComponent(CANARY)}@${proxy.host}`,
    SSL_CERT_FILE: tls.ca,
    FINCH_DEBUG: '1',
  };
  const { exitCode, stderr } = await bench.run('push registry.invalid/app:1', { env });
  expect([exitCode, registry.manifests.size > 0]).toEqual([0, true]);
  expect(new Set(proxy.asked)).toEqual(new Set(['CONNECT registry.invalid:443 HTTP/1.1']));
  expect(stderr).toContain(`by the proxy ${proxy.host} of HTTPS_PROXY`);
  expect(stderr.includes(CANARY) || stderr.includes(encodeURIComponent(CANARY))).toBe(false);
});

test('finch does not use a proxy for this machine, nor for what NO_PROXY names', async () => {
  await using bench = await workbench();
  await using registry = startFakeRegistry();
  const HTTPS_PROXY = 'http://127.0.0.1:1';
  const env = {
    HTTPS_PROXY,
    HTTP_PROXY: HTTPS_PROXY,
    NO_PROXY: '.other.test,registry.invalid:443',
  };
  expectError(await bench.fails(`pull ${registry.host}/app:1`, { env }), /is not in the registry/);
  expectError(
    await bench.fails('pull registry.invalid/app:1', { env }),
    'cannot find the host registry.invalid',
  );
});

test('finch says what is wrong with the proxy, without its password', async () => {
  await using bench = await workbench();
  await using proxy = await startProxy({ port: 1, login: 'other:login' });
  const password = encodeURIComponent(CANARY);
  await bench.ok('images');
  const before = await filesIn(bench.home);
  for (const [HTTPS_PROXY, message] of [
    [
      `http://me:${password}@${proxy.host}`,
      `the proxy ${proxy.host} opened no way to registry.invalid`,
    ],
    [
      `http://me:${password}@127.0.0.1:1`,
      'cannot connect to the proxy 127.0.0.1:1: connection refused',
    ],
    [`socks5://me:${password}@${proxy.host}`, 'HTTPS_PROXY names a proxy that does not speak HTTP'],
    [`me:${password}@:99999`, 'HTTPS_PROXY is no address of a proxy'],
  ] as const) {
    for (const args of ['pull registry.invalid/app', '--debug pull registry.invalid/app']) {
      const stderr = await bench.fails(args, { env: { HTTPS_PROXY } });
      expectError(stderr, message, /HTTPS_PROXY/);
      expect(stderr.includes(CANARY) || stderr.includes(password)).toBe(false);
    }
  }
  expect(await filesIn(bench.home)).toEqual(before);
});
