import { describe, expect, test } from 'bun:test';
import { networkInterfaces } from 'node:os';
import { helloFinch, writeHelloFinch } from '../demo/hello-finch.ts';
import { makeAuthority } from '../support/certificates.ts';
import { startDockerRegistry } from '../support/docker-registry.ts';
import { expectError } from './support/expectations.ts';
import { blobsIn } from './support/home-contents.ts';
import { areHere } from './support/program.ts';
import { startFinch } from './support/running.ts';
import { USER, type Workbench, workbench } from './support/workbench.ts';

const { root } = helloFinch();

/** An address of this machine at which others can reach it, so one that is no loopback. */
const address = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address;

async function benchWithImage(): Promise<Workbench> {
  const bench = await workbench();
  await writeHelloFinch(bench.path('hello-finch.tar'));
  await bench.ok('load -q -i hello-finch.tar');
  return bench;
}

describe.skipIf(!areHere('docker-registry', 'openssl'))(
  'a registry whose certificate nobody knows',
  () => {
    test('is refused with the certificate named and a hint to --insecure-registry', async () => {
      await using bench = await benchWithImage();
      await using registry = await startDockerRegistry({ tls: true });
      const name = `${registry.host}/hello-finch:latest`;
      await bench.ok(`tag hello-finch ${name}`);
      for (const line of [`push ${name}`, `pull ${name}`]) {
        expectError(
          await bench.fails(line),
          `the certificate of ${registry.host} is not trusted`,
          /SSL_CERT_FILE.*--insecure-registry|--insecure-registry.*SSL_CERT_FILE/,
        );
      }
    });

    test('is used when the user says --insecure-registry, or names its authority', async () => {
      await using bench = await benchWithImage();
      const htpasswd = { [USER.name]: USER.password };
      await using registry = await startDockerRegistry({ tls: true, htpasswd });
      const name = `${registry.host}/hello-finch:latest`;
      await bench.ok(`tag hello-finch ${name}`);
      const login = `login -u ${USER.name} --password-stdin`;
      const options = { stdin: USER.password };
      expectError(
        await bench.fails(`${login} ${registry.host}`, options),
        `the certificate of ${registry.host} is not trusted`,
      );
      await bench.ok(`${login} --insecure-registry ${registry.host}`, options);
      expect(await bench.ok(`push --insecure-registry ${name}`)).toContain(root.digest);
      const home = await bench.newHome();
      await bench.ok(`${login} --insecure-registry ${registry.host}`, { ...options, home });
      await bench.ok(`pull --insecure-registry --all-platforms ${name}`, { home });
      expect(await blobsIn(home)).toEqual(await blobsIn(bench.home));
      const env = { SSL_CERT_FILE: registry.ca ?? '' };
      expect(await bench.ok(`push ${name}`, { env })).toContain(root.digest);
    });

    // Linux alone has all of 127.0.0.0/8 without being asked.
    test.skipIf(process.platform !== 'linux')(
      'is refused when its certificate is for another name',
      async () => {
        await using bench = await benchWithImage();
        const { certificate, key, ca } = await makeAuthority(bench.folder);
        // The certificate is for localhost and 127.0.0.1.
        await using server = Bun.serve({
          ...{ hostname: '127.0.0.2', port: 0 },
          tls: { cert: Bun.file(certificate), key: Bun.file(key) },
          fetch: () => new Response(),
        });
        const host = `127.0.0.2:${server.port}`;
        await bench.ok(`tag hello-finch ${host}/hello-finch`);
        const env = { SSL_CERT_FILE: ca };
        expectError(
          await bench.fails(`push ${host}/hello-finch`, { env }),
          `the certificate of ${host} is for another host name`,
          /./,
        );
        await using registry = await startDockerRegistry({ tls: true });
        const other = `${registry.host}/hello-finch`;
        await bench.ok(`tag hello-finch ${other}`);
        expectError(
          await bench.fails(`push ${other}`, { env }),
          `the certificate of ${registry.host} is not trusted`,
        );
      },
    );
  },
);

describe.skipIf(address === undefined)('a registry without TLS on another host', () => {
  test('is refused, and used with --insecure-registry', async () => {
    await using bench = await benchWithImage();
    const registryHome = await bench.newHome();
    await using registry = await startFinch(
      ['registry', 'serve', '--allow-remote', '--listen', `${address}:0`],
      { home: registryHome },
    );
    const host = registry.line.replace('listening on http://', '');
    expect(host).toStartWith(`${address}:`);
    const name = `${host}/hello-finch:latest`;
    await bench.ok(`tag hello-finch ${name}`);
    expectError(
      await bench.fails(`push ${name}`),
      `${host} does not speak TLS`,
      /--insecure-registry/,
    );
    expect(await bench.ok(`push --insecure-registry ${name}`)).toContain(root.digest);
    expectError(
      await bench.fails(`pull ${name}`),
      `${host} does not speak TLS`,
      /--insecure-registry/,
    );
    const home = await bench.newHome();
    expect(await bench.ok(`pull --insecure-registry ${name}`, { home })).toContain(root.digest);
  });
});

describe('a registry that is not there', () => {
  test('is named when the connection is refused', async () => {
    await using bench = await benchWithImage();
    const gone = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response() });
    const host = `127.0.0.1:${gone.port}`;
    await gone.stop(true);
    await bench.ok(`tag hello-finch ${host}/hello-finch`);
    for (const line of [
      `push ${host}/hello-finch`,
      `push --insecure-registry ${host}/hello-finch`,
      `pull ${host}/hello-finch`,
      `login -u me -p secret ${host}`,
    ]) {
      expectError(
        await bench.fails(line),
        `cannot connect to ${host}: connection refused`,
        `check that a registry runs at ${host}`,
      );
    }
  });

  test('is named when its name is unknown', async () => {
    await using bench = await benchWithImage();
    const name = 'does-not-exist.invalid/hello-finch';
    await bench.ok(`tag hello-finch ${name}`);
    for (const line of [
      `push ${name}`,
      `pull ${name}`,
      'login -u me -p secret does-not-exist.invalid',
    ]) {
      expectError(
        await bench.fails(line),
        'cannot find the host does-not-exist.invalid',
        /check the spelling/,
      );
    }
  });

  test('is named when something else answers there', async () => {
    await using bench = await benchWithImage();
    await using web = Bun.serve({
      ...{ hostname: '127.0.0.1', port: 0 },
      fetch: () =>
        new Response('<html>\x1b[31mNot here</html>', {
          status: 404,
          headers: { 'content-type': 'text/html' },
        }),
    });
    const host = `127.0.0.1:${web.port}`;
    expectError(
      await bench.fails(`login -u me -p secret ${host}`),
      `${host} is not a registry`,
      /./,
    );
    await bench.ok(`tag hello-finch ${host}/hello-finch`);
    const stderr = await bench.fails(`push ${host}/hello-finch`);
    expectError(stderr, /^finch: registry 127/);
    expect(stderr).not.toContain('\x1b');
  });
});
