import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { writeHelloFinch } from '../demo/hello-finch.ts';
import { buildImage } from '../support/images.ts';
import { writeOciArchive } from './support/archives.ts';
import { namesIn } from './support/home-contents.ts';
import { areHere, crane, runOk } from './support/program.ts';
import { skopeoCopy, skopeoDigest, verifyFolder } from './support/skopeo.ts';
import { registryBench, workbench } from './support/workbench.ts';

describe('the store in a home', () => {
  test.skipIf(!areHere('skopeo'))(
    'is an image layout that skopeo reads in place, by name',
    async () => {
      await using bench = await workbench();
      const { root, order } = await writeHelloFinch(bench.path('hello-finch.tar'));
      await bench.ok('load -i hello-finch.tar');
      await bench.ok('tag hello-finch registry.example/team/hello-finch:1.0');
      const other = buildImage({ labels: { is: 'another' } });
      await writeOciArchive(bench.path('other.tar'), 'other:1', other);
      await bench.ok('load -i other.tar');
      const store = join(bench.home, 'store');
      for (const [name, wanted] of [
        ['hello-finch:latest', { root: root.digest, blobs: order.length - 1 }],
        ['registry.example/team/hello-finch:1.0', { root: root.digest, blobs: order.length - 1 }],
        ['other:1', { root: other.root.digest, blobs: 2 }],
      ] as const) {
        const to = bench.path(`copy-${crypto.randomUUID()}`);
        await skopeoCopy(`oci:${store}:${name}`, `dir:${to}`, ['--all', '--preserve-digests']);
        expect<unknown>(await verifyFolder(to)).toEqual(wanted);
      }
    },
  );

  test.skipIf(!areHere('docker-registry', 'skopeo') || crane === null)(
    'is an image layout that crane pushes in place',
    async () => {
      await using bench = await registryBench();
      const { root } = await writeHelloFinch(bench.path('hello-finch.tar'));
      await bench.ok('load -i hello-finch.tar');
      const target = `${bench.registry.host}/hello-finch:latest`;
      await runOk([crane ?? 'crane', 'push', '--index', join(bench.home, 'store'), target]);
      // What crane pushes is index.json itself, an index of what has a name.
      const index = await Bun.file(join(bench.home, 'store/index.json')).text();
      const digest = new Bun.CryptoHasher('sha256').update(index).digest('hex');
      expect(await skopeoDigest(bench.registry, 'hello-finch:latest')).toBe(`sha256:${digest}`);
      expect(await skopeoDigest(bench.registry, `hello-finch@${root.digest}`)).toBe(root.digest);
    },
  );

  test.skipIf(!areHere('skopeo'))('takes what skopeo adds to it, under its name', async () => {
    await using bench = await workbench();
    await writeHelloFinch(bench.path('hello-finch.tar'));
    await bench.ok('load -i hello-finch.tar');
    const other = buildImage({ labels: { is: 'another' } });
    await writeOciArchive(bench.path('other.tar'), 'other:1', other);
    await skopeoCopy(
      `oci-archive:${bench.path('other.tar')}:other:1`,
      `oci:${join(bench.home, 'store')}:other:1`,
    );
    expect(
      (await bench.ok(['images', '--format', '{{.Repository}}:{{.Tag}}'])).split('\n'),
    ).toContain('other:1');
    await bench.ok('tag hello-finch kept:1');
    expect(Object.keys(await namesIn(bench.home)).toSorted()).toEqual([
      'hello-finch:latest',
      'kept:1',
      'other:1',
    ]);
  });
});
