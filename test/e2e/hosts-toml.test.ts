import { describe, expect, test } from 'bun:test';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { helloFinch, writeHelloFinch } from '../demo/hello-finch.ts';
import { CANARY } from '../support/canary.ts';
import { type DockerRegistry, startDockerRegistry } from '../support/docker-registry.ts';
import { type FakeRegistry, type Script, startFakeRegistry } from '../support/fake-registry.ts';
import { expectError } from './support/expectations.ts';
import { finchBinary, finchEnvironment } from './support/finch.ts';
import { blobsIn, filesIn } from './support/home-contents.ts';
import { mayMount } from './support/mounts.ts';
import { areHere, runOk, runProgram } from './support/program.ts';
import { skopeoCopy } from './support/skopeo.ts';
import { type Workbench, workbench } from './support/workbench.ts';

const { root } = helloFinch();

interface Bench extends Workbench {
  /** Writes files below a folder of the bench, `certs.d` if not said otherwise; gives its path. */
  describe(files: Readonly<Record<string, string>>, folder?: string): Promise<string>;
}

/** A workbench whose home has the image `hello-finch`. */
async function benchWithImage(): Promise<Bench> {
  const bench = await workbench();
  await writeHelloFinch(bench.path('hello-finch.tar'));
  await bench.ok('load -q -i hello-finch.tar');
  return {
    ...bench,
    async describe(files, folder = join(bench.home, 'certs.d')) {
      for (const [name, text] of Object.entries(files)) {
        await mkdir(dirname(join(folder, name)), { recursive: true });
        await writeFile(join(folder, name), text);
      }
      return folder;
    },
  };
}

const signIn = (bench: Workbench, more: string) =>
  bench.ok(`login -u me --password-stdin ${more}`, { stdin: CANARY });

const basic = `Basic ${Buffer.from(`me:${CANARY}`).toString('base64')}`;

/** A registry that wants a login, and writes down what it was shown. */
function lockedRegistry(script: Script = () => undefined): FakeRegistry {
  return startFakeRegistry({
    script: (request, url) =>
      request.headers.has('authorization')
        ? script(request, url)
        : new Response(null, { status: 401, headers: { 'www-authenticate': 'Basic realm="r"' } }),
  });
}

const shown = ({ requests }: FakeRegistry, name: string) =>
  new Set(requests.map(({ headers }) => headers.get(name)));

describe.skipIf(!areHere('docker-registry', 'openssl'))(
  'a registry that wants certificates',
  () => {
    /** The folder of the registry, as docker and skopeo know it. */
    async function describeAsDocker(
      { ca = '', client }: DockerRegistry,
      folder: string,
      { withClient = true } = {},
    ): Promise<void> {
      await mkdir(folder, { recursive: true });
      await copyFile(ca, join(folder, 'ca.crt'));
      if (!withClient || client === undefined) return;
      await copyFile(client.certificate, join(folder, 'client.cert'));
      await copyFile(client.key, join(folder, 'client.key'));
    }

    test.skipIf(!areHere('skopeo'))(
      "is used with certificates in certs.d, by docker's names, in a folder that skopeo reads too",
      async () => {
        await using bench = await benchWithImage();
        await using registry = await startDockerRegistry({ tls: true, clientCertificates: true });
        const name = `${registry.host}/hello-finch:1`;
        await bench.ok(`tag hello-finch ${name}`);
        const before = await filesIn(bench.home);
        const unknown = `the certificate of ${registry.host} is not trusted`;
        expectError(await bench.fails(`push ${name}`), unknown, /./);
        expect(await filesIn(bench.home)).toEqual(before);
        const folder = join(bench.home, 'certs.d', registry.host);
        await describeAsDocker(registry, folder, { withClient: false });
        expectError(
          await bench.fails(`push ${name}`),
          `${registry.host} broke off the TLS handshake`,
          `it may want a client certificate: put NAME.cert and NAME.key into certs.d/${registry.host} of finch's home; if it speaks plain HTTP, name it http://${registry.host} in the hosts.toml there`,
        );
        await describeAsDocker(registry, folder);
        expect(await bench.ok(`push ${name}`)).toContain(root.digest);
        await skopeoCopy(`docker://${name}`, `docker://${name}2`, [
          '--all',
          `--src-cert-dir=${folder}`,
          `--dest-cert-dir=${folder}`,
        ]);
        const home = await bench.newHome();
        const hostsDir = join(bench.home, 'certs.d');
        await bench.ok(`pull --all-platforms --hosts-dir ${hostsDir} ${name}2`, { home });
        expect(await blobsIn(home)).toEqual(await blobsIn(bench.home));
      },
    );

    test('is logged in to, pushed to and pulled from by what a hosts.toml says', async () => {
      await using bench = await benchWithImage();
      const htpasswd = { me: CANARY };
      const options = { tls: true, clientCertificates: true, htpasswd };
      await using registry = await startDockerRegistry(options);
      const { ca = '', client } = registry;
      const port = registry.host.split(':')[1];
      const hostsDir = await bench.describe(
        {
          [`localhost_${port}_/hosts.toml`]: `
          server = "${registry.origin}"
          ca = "../authority.pem"
          client = [["${client?.certificate}", "${client?.key}"]]`,
        },
        bench.path('hosts'),
      );
      await copyFile(ca, join(hostsDir, 'authority.pem'));
      const name = `${registry.host}/hello-finch:1`;
      await bench.ok(`tag hello-finch ${name}`);
      const flag = `--hosts-dir ${hostsDir}`;
      expect(await signIn(bench, `${flag} ${registry.host}`)).toContain('Login Succeeded');
      await bench.fails(`push ${name}`);
      expect(await bench.ok(`push ${flag} ${name}`)).toContain(root.digest);
      expect(await bench.ok(`pull --hosts-dir=/nowhere,${hostsDir} ${name}`)).toContain(
        root.digest,
      );
    });

    test('is trusted with any certificate when skip_verify says so of it', async () => {
      await using bench = await benchWithImage();
      await using registry = await startDockerRegistry({ tls: true });
      await using other = await startDockerRegistry({ tls: true });
      await bench.describe({
        [`${registry.host}/hosts.toml`]: 'skip_verify = true',
        [`${other.host}/hosts.toml`]: `
        skip_verify = false
        [host."https://${registry.host}"]
        capabilities = ["pull"]
        skip_verify = true`,
      });
      for (const { host } of [registry, other]) await bench.ok(`tag hello-finch ${host}/hello`);
      expect(await bench.ok(`push ${registry.host}/hello`)).toContain(root.digest);
      const untrusted = `the certificate of ${other.host} is not trusted`;
      expectError(await bench.fails(`push ${other.host}/hello`), untrusted);
      // The digest is enough for a mirror that may not say what tags name.
      const home = await bench.newHome();
      const hostsDir = join(bench.home, 'certs.d');
      const pull = `pull --hosts-dir ${hostsDir} ${other.host}/hello`;
      expectError(await bench.fails(pull, { home }), untrusted);
      expect(await bench.ok(`${pull}@${root.digest}`, { home })).toContain(root.digest);
    });

    test('is told apart from a file that is no certificate, which is named', async () => {
      await using bench = await benchWithImage();
      await bench.describe({ 'r.test/ca.crt': CANARY });
      const before = await filesIn(bench.home);
      for (const line of ['pull r.test/a', 'login -u me --password-stdin r.test']) {
        expectError(
          await bench.fails(line, { stdin: CANARY }),
          `${join(bench.home, 'certs.d/r.test/ca.crt')} holds no certificate`,
          'the file must hold PEM text, as it begins with: -----BEGIN',
        );
      }
      expect(await filesIn(bench.home)).toEqual(before);
    });
  },
);

describe('a hosts.toml', () => {
  test('that is broken stops the command, with its line', async () => {
    await using bench = await benchWithImage();
    await bench.describe({
      'r.test/hosts.toml': 'server = "http://127.0.0.1:1"\n\nskip_verify =\n',
    });
    await bench.ok('tag hello-finch r.test/a');
    const before = await filesIn(bench.home);
    const path = join(bench.home, 'certs.d/r.test/hosts.toml');
    for (const line of ['pull r.test/a', 'push r.test/a', 'login -u me --password-stdin r.test']) {
      expectError(
        await bench.fails(line, { stdin: CANARY }),
        `${path}, line 3: Missing value after '='; values must be on the same line`,
        'correct the file, or look in another folder with --hosts-dir',
      );
    }
    expect(await filesIn(bench.home)).toEqual(before);
  });

  test('puts another server in place of Docker Hub: login, push, pull', async () => {
    await using bench = await benchWithImage();
    await using hub = lockedRegistry();
    await bench.describe({ 'docker.io/hosts.toml': `server = "${hub.origin}"` });
    expect(await signIn(bench, '')).toContain('Login Succeeded');
    await bench.ok('tag hello-finch me/hello');
    expect(await bench.ok('push me/hello')).toContain(root.digest);
    await bench.ok('pull docker.io/me/hello:latest');
    expect(shown(hub, 'authorization')).toEqual(new Set([null, basic]));
    expect(hub.lines()).toContain('HEAD /v2/me/hello/manifests/latest?ns=docker.io');
  });

  test('of all registries names a server that gets its own login, also when one is logged in to', async () => {
    await using bench = await benchWithImage();
    await using registry = lockedRegistry();
    await using common = lockedRegistry();
    await signIn(bench, registry.host);
    await bench.describe({ '_default/hosts.toml': `server = "${common.origin}"` });
    await signIn(bench, registry.host);
    await bench.fails(`pull ${registry.host}/hello`);
    expect(shown(registry, 'authorization')).toEqual(new Set([null, basic]));
    expect(shown(common, 'authorization')).toEqual(new Set([null]));
    expect(common.lines()).toContain(
      `HEAD /v2/hello/manifests/latest?ns=${encodeURIComponent(registry.host)}`,
    );
  });

  test('names a mirror, which gets its own login and never that of the registry', async () => {
    await using bench = await benchWithImage();
    await using hub = lockedRegistry();
    await using mirror = lockedRegistry();
    await bench.describe({
      'docker.io/hosts.toml': `
        server = "${hub.origin}"
        [host."${mirror.origin}"]
        capabilities = ["pull", "resolve"]`,
    });
    await signIn(bench, '');
    await bench.ok('tag hello-finch me/hello');
    await bench.ok('push me/hello');
    expect(mirror.requests).toHaveLength(0);
    const home = await bench.newHome();
    const pull = `pull --hosts-dir ${join(bench.home, 'certs.d')} me/hello`;
    expectError(await bench.fails(pull, { home }), /401 Unauthorized; before that: registry 127/);
    await bench.ok(`pull me/hello`);
    expect(shown(mirror, 'authorization')).toEqual(new Set([null]));

    for (const [name, manifest] of hub.manifests) mirror.manifests.set(name, manifest);
    for (const [digest, bytes] of hub.blobs) mirror.blobs.set(digest, bytes);
    await bench.ok(`login -u mirror --password-stdin ${mirror.host}`, { stdin: CANARY });
    const asked = hub.lines().length;
    await bench.ok('rmi me/hello hello-finch');
    await bench.ok('pull me/hello');
    expect(hub.lines()).toHaveLength(asked);
    const own = `Basic ${Buffer.from(`mirror:${CANARY}`).toString('base64')}`;
    expect(shown(mirror, 'authorization')).toEqual(new Set([null, own]));
    expect(mirror.lines()).toContain('GET /v2/me/hello/manifests/latest?ns=docker.io');
  });

  test('leads to the registry itself past mirrors that are gone, empty, broken or lie', async () => {
    await using bench = await benchWithImage();
    await using server = startFakeRegistry();
    const gone = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response() });
    const goneAt = `http://127.0.0.1:${gone.port}`;
    await gone.stop(true);
    await using empty = startFakeRegistry();
    await using broken = startFakeRegistry({ script: () => new Response('oh', { status: 500 }) });
    await using liar = startFakeRegistry({
      script(request, url) {
        const blob = server.blobs.get(url.pathname.split('/').at(-1) ?? '');
        const isBlob = request.method === 'GET' && blob !== undefined;
        return isBlob ? new Response(new Uint8Array(blob.length)) : undefined;
      },
    });
    const capabilities = 'capabilities = ["pull", "resolve"]';
    const mirrors = [goneAt, empty.origin, broken.origin, liar.origin];
    await bench.describe({
      '_default/hosts.toml': mirrors.map((at) => `[host."${at}"]\n${capabilities}\n`).join(''),
    });
    const name = `${server.host}/hello`;
    await bench.ok(`tag hello-finch ${name}`);
    await bench.ok(`push ${name}`);
    const home = await bench.newHome();
    const pull = `pull --all-platforms --hosts-dir ${join(bench.home, 'certs.d')} ${name}`;
    expect(await bench.ok(pull, { home })).toContain(root.digest);
    expect(await blobsIn(home)).toEqual(await blobsIn(bench.home));
    expect(liar.lines().some((line) => line.startsWith('GET'))).toBe(true);
    const { stderr } = await bench.run(`${pull} --debug`, { home: await bench.newHome() });
    expect(stderr).toContain(`${liar.host} sent other bytes than those of sha256:`);
    expect(stderr).not.toMatch(/^finch: /m);
  });

  test('says on a push that it goes to another host', async () => {
    await using bench = await benchWithImage();
    await using target = startFakeRegistry();
    await bench.describe({ 'r.test/hosts.toml': `[host."${target.origin}"]` });
    await bench.ok('tag hello-finch r.test/hello');
    const { stdout, stderr } = await bench.run('push r.test/hello');
    expect(stdout).toContain(root.digest);
    const source = join(bench.home, 'certs.d/r.test/hosts.toml');
    expect(stderr).toContain(`what goes to r.test is pushed to ${target.host}, as ${source} says`);
    expect(target.manifests.has('hello:latest')).toBe(true);
  });

  test('adds headers and a path, and config.json adds headers, for the registry alone', async () => {
    await using bench = await benchWithImage();
    await using elsewhere = startFakeRegistry();
    await using server = startFakeRegistry({
      script(request, url) {
        if (!url.pathname.startsWith('/api/')) return new Response(null, { status: 418 });
        const path = url.pathname.replace('/api', '');
        const isBlob = request.method === 'GET' && path.includes('/blobs/');
        const headers = { location: `${elsewhere.origin}/v2${path}` };
        if (isBlob) return new Response(null, { status: 307, headers });
        return fetch(`${elsewhere.origin}/v2${path}${url.search}`, {
          method: request.method,
          headers: { 'content-type': request.headers.get('content-type') ?? '' },
          ...(request.body && { body: request.body }),
        }).then((answer) => {
          const at = answer.headers.get('location')?.replace('/v2/', '/api/');
          const kept = new Headers(answer.headers);
          if (at) kept.set('location', at);
          return new Response(request.method === 'HEAD' ? null : answer.body, {
            status: answer.status,
            headers: kept,
          });
        });
      },
    });
    await bench.describe({
      'r.test/hosts.toml': `
        server = "${server.origin}/api"
        override_path = true
        header = { X-From-Toml = "one" }`,
    });
    const config = { HttpHeaders: { 'X-From-Config': 'two', authorization: 'Basic nobody' } };
    await writeFile(join(bench.home, 'config.json'), JSON.stringify(config));
    await signIn(bench, 'r.test');
    await bench.ok('tag hello-finch r.test/hello');
    expect(await bench.ok('push r.test/hello')).toContain(root.digest);
    const asked = elsewhere.requests.length;
    await bench.ok('rmi r.test/hello hello-finch');
    await bench.ok('pull --all-platforms r.test/hello');
    expect(shown(server, 'x-from-toml')).toEqual(new Set(['one']));
    expect(shown(server, 'x-from-config')).toEqual(new Set(['two']));
    expect(shown(server, 'authorization')).toEqual(new Set([null, basic]));
    const redirected = elsewhere.requests
      .slice(asked)
      .filter(({ line }) => /^GET.*blobs/.test(line));
    expect(redirected.length).toBeGreaterThan(0);
    for (const { headers } of redirected) {
      expect([headers.get('x-from-toml'), headers.get('x-from-config')]).toEqual([null, null]);
    }
  });

  test.skipIf(!mayMount())(
    'is found in /etc/containerd and /etc/docker, in this order',
    async () => {
      await using bench = await benchWithImage();
      await using registry = startFakeRegistry();
      await bench.describe(
        {
          'containerd/certs.d/a.test/hosts.toml': `server = "${registry.origin}"`,
          'docker/certs.d/a.test/hosts.toml': 'server = "http://127.0.0.1:1"',
          'docker/certs.d/b.test/hosts.toml': `server = "${registry.origin}"`,
        },
        bench.path('etc'),
      );
      const script = 'mount --bind "$0" /etc && shift 0 && exec "$@"';
      const run = (...words: readonly string[]) =>
        runProgram(
          ['unshare', '-m', 'sh', '-c', script, bench.path('etc'), finchBinary, ...words],
          {
            env: finchEnvironment(bench.home),
          },
        );
      for (const name of ['a.test/hello', 'b.test/hello']) {
        await bench.ok(`tag hello-finch ${name}`);
        expect((await run('push', name)).stdout).toContain(root.digest);
      }
      await bench.describe({ '_default/hosts.toml': 'server = "http://127.0.0.1:1"' });
      expectError((await run('push', 'a.test/hello')).stderr, /cannot connect to 127.0.0.1:1/);
    },
  );
});

test.skipIf(!areHere('docker-registry'))(
  'a registry that keeps copies of another is a mirror of it',
  async () => {
    await using bench = await benchWithImage();
    await using registry = await startDockerRegistry({});
    await using cache = await startDockerRegistry({ upstream: registry.origin });
    await bench.describe({
      'r.test/hosts.toml': `
        server = "${registry.origin}"
        [host."${cache.origin}"]
        capabilities = ["pull", "resolve"]`,
    });
    await bench.ok('tag hello-finch r.test/hello');
    await bench.ok('push r.test/hello');
    const pushed = registry.log().split('finch/').length;
    const home = await bench.newHome();
    const flags = `--all-platforms --hosts-dir ${join(bench.home, 'certs.d')}`;
    expect(await bench.ok(`pull ${flags} r.test/hello`, { home })).toContain(root.digest);
    expect(await blobsIn(home)).toEqual(await blobsIn(bench.home));
    expect(registry.log().split('finch/')).toHaveLength(pushed);
    expect(cache.log()).toContain('ns=r.test');
  },
);

test.skipIf(!areHere('docker-registry', 'crane'))(
  'what was pushed through a hosts.toml is what others find at the registry',
  async () => {
    await using bench = await benchWithImage();
    await using registry = await startDockerRegistry({});
    await bench.describe({ 'r.test/hosts.toml': `server = "${registry.origin}/v2/"` });
    await bench.ok('tag hello-finch r.test/deep/hello:1');
    await bench.ok('push r.test/deep/hello:1');
    const digest = await runOk(['crane', 'digest', `${registry.host}/deep/hello:1`]);
    expect(digest.trim()).toBe(root.digest);
  },
);
