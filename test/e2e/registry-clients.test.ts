import { describe, expect, test } from 'bun:test';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '../../src/oci/digest.ts';
import { helloFinch, writeHelloFinch } from '../demo/hello-finch.ts';
import { startDockerRegistry } from '../support/docker-registry.ts';
import { buildImage, buildMultiPlatform } from '../support/images.ts';
import { writeLayout, writeOciArchive } from './support/archives.ts';
import { startFinchRegistry } from './support/finch-registry.ts';
import { blobsIn, namesIn } from './support/home-contents.ts';
import { areHere, crane, runOk, runProgram } from './support/program.ts';
import { skopeoCopy, verifyFolder } from './support/skopeo.ts';
import { type Workbench, workbench } from './support/workbench.ts';

const hello = helloFinch();

/** `finch registry serve` over the home that the bench's finch works in. */
interface Shared extends Workbench {
  readonly host: string;
  readonly url: string;
  /** `NAME:TAG DIGEST` for everything in the store, as finch lists it, sorted. */
  images(): Promise<readonly string[]>;
}

/** A server and finch on one store, which holds `hello-finch:latest`. */
async function shared(): Promise<Shared> {
  const bench = await workbench();
  await writeHelloFinch(bench.path('hello-finch.tar'));
  await bench.ok('load -q -i hello-finch.tar');
  const registry = await startFinchRegistry(bench.home);
  return {
    ...bench,
    host: registry.host,
    url: registry.url,
    async images() {
      const names = Object.entries(await namesIn(bench.home));
      return names.map(([name, digest]) => `${name.replace('docker.io/', '')} ${digest}`).sort();
    },
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      await bench[Symbol.asyncDispose]();
    },
  };
}

/** The digest of the root of an OCI layout that has one. */
async function rootOf(layout: string): Promise<string> {
  return (await Bun.file(join(layout, 'index.json')).json()).manifests[0].digest;
}

const image = buildMultiPlatform('linux/amd64', 'linux/arm64');
const IMAGE = image.root.digest;
const HELLO = `hello-finch:latest ${hello.root.digest}`;

describe.skipIf(!areHere('skopeo'))('skopeo beside finch on one store', () => {
  const skopeo = (...words: readonly string[]) => runOk(['skopeo', ...words]);
  const there = '--src-tls-verify=false';
  const here = '--dest-tls-verify=false';

  test('copies there, and finch lists, tags and exports it at once; copies back byte for byte', async () => {
    await using bench = await shared();
    const remote = (name: string) => `docker://${bench.host}/${name}`;
    const layout = await writeLayout(bench.path('layout'), '1', image);
    await skopeoCopy(`oci:${layout}:1`, remote('team/app:1'), ['--all', here]);
    expect(await bench.images()).toEqual([HELLO, `team/app:1 ${IMAGE}`].sort());
    await bench.ok('tag team/app:1 team/app:2');
    await skopeoCopy(remote('team/app:2'), `oci:${bench.path('back')}:1`, ['--all', there]);
    expect(await rootOf(bench.path('back'))).toBe(IMAGE);
    const flags = ['--all', '--preserve-digests', there];
    await skopeoCopy(remote('hello-finch'), `dir:${bench.path('dir')}`, flags);
    expect((await verifyFolder(bench.path('dir'))).root).toBe(hello.root.digest);
  });

  test('copies inside the registry, between its repositories', async () => {
    await using bench = await shared();
    const remote = (name: string) => `docker://${bench.host}/${name}`;
    const before = await blobsIn(bench.home);
    const flags = ['--all', there, here];
    await skopeoCopy(remote('hello-finch'), remote('elsewhere/hello:1'), flags);
    expect(await blobsIn(bench.home)).toEqual(before);
    expect(await bench.images()).toContain(`elsewhere/hello:1 ${hello.root.digest}`);
  });

  test('inspects and lists what finch has just loaded, and finds no more what finch has removed', async () => {
    await using bench = await shared();
    const remote = `docker://${bench.host}/hello-finch`;
    await bench.ok('tag hello-finch hello-finch:2');
    const insecure = '--tls-verify=false';
    expect(JSON.parse(await skopeo('list-tags', insecure, remote)).Tags).toEqual(['2', 'latest']);
    const described = JSON.parse(await skopeo('inspect', insecure, '--no-tags', remote));
    expect(described).toMatchObject({ Os: 'linux', Digest: hello.root.digest });
    await bench.ok('rmi hello-finch:2');
    expect(JSON.parse(await skopeo('list-tags', insecure, remote)).Tags).toEqual(['latest']);
    const { exitCode } = await runProgram(['skopeo', 'inspect', insecure, `${remote}:2`]);
    expect(exitCode).not.toBe(0);
  });

  test('deletes, and finch does not list it any more', async () => {
    await using bench = await shared();
    await bench.ok('tag hello-finch hello-finch:2');
    await skopeo('delete', '--tls-verify=false', `docker://${bench.host}/hello-finch:2`);
    // By its digest: every tag of the repository that names it goes.
    expect(await bench.images()).toEqual([]);
    expect(await bench.ok('images -q')).toBe('');
  });

  test('syncs a repository with all its tags out of the registry and into it', async () => {
    await using bench = await shared();
    await bench.ok('tag hello-finch hello-finch:2');
    const out = bench.path('out');
    await skopeo(
      ...['sync', '--all', '--scoped', '--src', 'docker', '--dest', 'dir', there],
      ...[`${bench.host}/hello-finch`, out],
    );
    const folder = join(out, `${bench.host}`);
    expect((await readdir(folder)).sort()).toEqual(['hello-finch:2', 'hello-finch:latest']);
    await skopeo(
      ...['sync', '--all', '--src', 'dir', '--dest', 'docker', here],
      ...[folder, `${bench.host}/mirror`],
    );
    expect((await bench.images()).filter((line) => line.startsWith('mirror/'))).toEqual([
      `mirror/hello-finch:2 ${hello.root.digest}`,
      `mirror/hello-finch:latest ${hello.root.digest}`,
    ]);
  });
});

describe.skipIf(crane === null)('crane beside finch on one store', () => {
  const call = async (...words: readonly string[]) =>
    (await runOk([crane ?? 'crane', ...words])).trim();

  test('pushes an index and an archive of Docker, which finch lists at once', async () => {
    await using bench = await shared();
    const layout = await writeLayout(bench.path('layout'), '1', image);
    await call('push', layout, `${bench.host}/app:1`);
    await call('pull', `${bench.host}/app:1`, '--platform', 'linux/arm64', bench.path('arm64.tar'));
    await call('push', bench.path('arm64.tar'), `${bench.host}/arm:1`);
    const images = await bench.images();
    expect(images).toContain(`app:1 ${IMAGE}`);
    expect(images).toContain(`arm:1 ${await call('digest', `${bench.host}/arm:1`)}`);
    expect(await bench.ok(['images', '--format', '{{.Repository}}'])).toContain('arm');
  });

  test('pulls what finch has loaded, in each of its formats', async () => {
    await using bench = await shared();
    const name = `${bench.host}/hello-finch:latest`;
    await call('pull', '--format', 'oci', name, bench.path('oci'));
    expect(await rootOf(bench.path('oci'))).toBe(hello.root.digest);
    const platform = ['--platform', 'linux/amd64'];
    await call('pull', ...platform, name, bench.path('docker.tar'));
    const home = await bench.newHome();
    await bench.ok('load -q -i docker.tar', { home });
    await call('validate', '--remote', name);
    const exported = await call('export', ...platform, name, bench.path('files.tar'));
    expect(exported).toBe('');
  });

  test('lists, and shows manifests and blobs as they are', async () => {
    await using bench = await shared();
    const name = `${bench.host}/hello-finch`;
    expect(await call('catalog', bench.host)).toBe('hello-finch');
    expect(await call('ls', name)).toBe('latest');
    expect(await call('digest', `${name}:latest`)).toBe(hello.root.digest);
    const manifest = await runOk([crane ?? 'crane', 'manifest', `${name}:latest`]);
    expect(digestOf(new TextEncoder().encode(manifest.replace(/\n$/, '')))).toBe(hello.root.digest);
    const { config } = JSON.parse(await call('manifest', '--platform', 'linux/amd64', name));
    const blob = await runOk([crane ?? 'crane', 'blob', `${name}@${config.digest}`]);
    expect(digestOf(new TextEncoder().encode(blob))).toBe(config.digest);
    expect(JSON.parse(await call('config', '--platform', 'linux/arm64', name)).architecture).toBe(
      'arm64',
    );
  });

  test('copies, tags, filters an index and deletes, and finch sees each', async () => {
    await using bench = await shared();
    const at = (name: string) => `${bench.host}/${name}`;
    await call('copy', at('hello-finch:latest'), at('copies/hello:1'));
    await call('tag', at('copies/hello:1'), '2');
    await call('copy', '--platform', 'linux/arm64', at('copies/hello:1'), at('arm/hello:1'));
    const filter = ['index', 'filter', '--platform', 'linux/amd64', at('copies/hello:1')];
    await call(...filter, '-t', at('amd/hello:1'));
    await call(
      ...['index', 'append', at('amd/hello:1'), '-m', at('arm/hello:1'), '-t', at('both/hello:1')],
    );
    const images = await bench.images();
    expect(images).toContain(`copies/hello:2 ${hello.root.digest}`);
    for (const name of ['arm/hello:1', 'amd/hello:1', 'both/hello:1']) {
      expect(images).toContain(`${name} ${await call('digest', at(name))}`);
    }
    await bench.ok('rmi both/hello:1');
    expect((await runProgram([crane ?? 'crane', 'digest', at('both/hello:1')])).exitCode).toBe(1);
    await call('delete', at('copies/hello:2'));
    expect((await bench.images()).join()).not.toContain('copies/hello:2');
    expect(await bench.images()).toContain(HELLO);
  });

  test('works while finch tags, loads, lists and removes in the same home', async () => {
    await using bench = await shared();
    await writeOciArchive(bench.path('other.tar'), 'other:1', buildImage());
    const finch = async () => {
      for (let i = 0; i < 4; i += 1) {
        await bench.ok(`tag hello-finch mine:${i}`);
        await bench.ok('load -q -i other.tar');
        await bench.ok('images');
        await bench.ok('rmi other:1');
      }
    };
    const copies = ['a', 'b', 'c'].map(async (letter) => {
      for (let i = 0; i < 4; i += 1) {
        await call(
          'copy',
          `${bench.host}/hello-finch:latest`,
          `${bench.host}/theirs-${letter}:${i}`,
        );
      }
    });
    await Promise.all([finch(), ...copies]);
    const numbers = [0, 1, 2, 3];
    const expected = ['mine', 'theirs-a', 'theirs-b', 'theirs-c'].flatMap((name) =>
      numbers.map((i) => `${name}:${i} ${hello.root.digest}`),
    );
    expect(await bench.images()).toEqual([HELLO, ...expected].sort());
    for (const letter of ['a', 'b', 'c']) {
      await call('validate', '--remote', `${bench.host}/theirs-${letter}:3`);
    }
  });
});

describe.skipIf(!areHere('docker-registry', 'skopeo'))('docker-registry before finch', () => {
  test('is a cache that images can be pulled through, and asks again for a tag that was moved', async () => {
    await using bench = await shared();
    await using cache = await startDockerRegistry({ upstream: bench.url });
    const remote = (name: string) => `docker://${cache.host}/${name}`;
    const flags = ['--all', '--preserve-digests', '--src-tls-verify=false'];
    await skopeoCopy(remote('library/hello-finch:latest'), `dir:${bench.path('a')}`, flags);
    expect((await verifyFolder(bench.path('a'))).root).toBe(hello.root.digest);
    await writeOciArchive(bench.path('other.tar'), 'library/hello-finch:latest', image);
    await bench.ok('load -q -i other.tar');
    await skopeoCopy(remote('library/hello-finch:latest'), `dir:${bench.path('b')}`, flags);
    expect((await verifyFolder(bench.path('b'))).root).toBe(IMAGE);
    const home = await bench.newHome();
    const pulled = await bench.ok(`pull --all-platforms ${cache.host}/library/hello-finch`, {
      home,
    });
    expect(pulled).toContain(IMAGE);
  });
});
