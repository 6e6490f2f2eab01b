import { describe, expect, test } from 'bun:test';
import { mkdir, truncate } from 'node:fs/promises';
import { digestOf, digestParts } from '../../src/oci/digest.ts';
import { parseDocument } from '../../src/oci/document.ts';
import { type DockerArchiveImage, dockerMembers } from '../archives/archive-files.ts';
import { writeDockerArchive, writeHelloFinch } from '../demo/hello-finch.ts';
import { buildImage, buildMultiPlatform, layerTar, layoutFiles } from '../support/images.ts';
import { tarFile } from '../support/tar.ts';
import { writeOciArchive } from './support/archives.ts';
import { expectError } from './support/expectations.ts';
import { finchBinary, finchEnvironment } from './support/finch.ts';
import { blobsIn, filesIn, namesIn } from './support/home-contents.ts';
import { areHere, crane, runOk } from './support/program.ts';
import { skopeoCopy } from './support/skopeo.ts';
import { registryBench, type Workbench, workbench } from './support/workbench.ts';

async function writeDocker(path: string, images: readonly DockerArchiveImage[]): Promise<void> {
  await Bun.write(path, tarFile(dockerMembers(images)));
}

/** A layer that takes a compressor many blocks: text of eight MiB, the same every time. */
function longLayer(): Uint8Array {
  const lines = Array.from(
    { length: 250_000 },
    (_, i) => `${(i * 2_654_435_761) % 4_294_967_296} ${i}`,
  );
  return layerTar(lines.join('\n').padEnd(8 * 1024 * 1024), 'long');
}

describe('finch load', () => {
  test('says which images it loaded, and with --quiet nothing else', async () => {
    await using bench = await workbench();
    await writeHelloFinch(bench.path('hello-finch.tar'));
    const loaded = 'Loaded image: hello-finch:latest\n';
    const { stdout, stderr } = await bench.run('load --input hello-finch.tar');
    expect(stdout).toBe(loaded);
    expect(stderr).toMatch(/^layer sha256:[0-9a-f]{12}: loading 2\d\d\.0 B$/m);
    expect(stderr).not.toContain('\x1b');
    await bench.ok('rmi hello-finch');
    for (const flag of ['-q', '--quiet']) {
      const quiet = await bench.run(`image load ${flag} -i hello-finch.tar`);
      expect(quiet).toEqual({ stdout: loaded, stderr: '', exitCode: 0 });
    }
  });

  test('loads every image and every name of a docker-archive, also after they were removed', async () => {
    await using bench = await workbench();
    await writeDocker(bench.path('images.tar'), [
      { tags: ['one:1', 'registry.example/one:also'], layers: [layerTar('one')] },
      { tags: ['two:2'], layers: [layerTar('one'), layerTar('two')] },
    ]);
    const names = ['one:1', 'registry.example/one:also', 'two:2'];
    for (const _ of ['at first', 'again']) {
      expect(await bench.ok('load -i images.tar')).toBe(
        names.map((name) => `Loaded image: ${name}\n`).join(''),
      );
      expect(Object.keys(await namesIn(bench.home)).toSorted()).toEqual(names);
      await bench.ok(['rmi', ...names]);
      expect(await blobsIn(bench.home)).toEqual([]);
    }
  });

  test('names an image without a name by the day and its digest', async () => {
    await using bench = await workbench();
    await writeDocker(bench.path('image.tar'), [{ tags: null, layers: [layerTar('one')] }]);
    expect(await bench.ok('load -i image.tar')).toMatch(
      /^Loaded image: import-\d{4}-\d{2}-\d{2}@sha256:[0-9a-f]{64}\n$/,
    );
  });

  test('of the same docker-archive twice gives the same digest and stores nothing more', async () => {
    await using bench = await workbench();
    await writeDockerArchive(bench.path('hello-finch.tar'));
    await bench.ok('load -i hello-finch.tar');
    const before = [await namesIn(bench.home), await blobsIn(bench.home)];
    const { stderr } = await bench.run('load -i hello-finch.tar');
    expect(stderr).toMatch(/^layer sha256:[0-9a-f]{12}: already exists$/m);
    expect([await namesIn(bench.home), await blobsIn(bench.home)]).toEqual(before);
  });

  test.skipIf(!areHere('taskset'))(
    'of the same docker-archive on one core and on all gives the same digests',
    async () => {
      await using bench = await workbench();
      await writeDocker(bench.path('long.tar'), [
        { tags: ['long:1'], layers: [longLayer(), layerTar('short')] },
      ]);
      const found: unknown[] = [];
      for (const cores of [['taskset', '-c', '0'], []]) {
        const home = await bench.newHome();
        await runOk([...cores, finchBinary, 'load', '-q', '-i', bench.path('long.tar')], {
          env: finchEnvironment(home),
        });
        found.push([await namesIn(home), await blobsIn(home)]);
      }
      const home = await bench.newHome();
      await bench.ok('load -q', { home, stdin: Bun.file(bench.path('long.tar')) });
      found.push([await namesIn(home), await blobsIn(home)]);
      expect(found[1]).toEqual(found[0]);
      expect(found[2]).toEqual(found[0]);
    },
  );

  test.skipIf(process.platform === 'win32')('reads a pipe that is named like a file', async () => {
    await using bench = await workbench();
    await writeHelloFinch(bench.path('hello-finch.tar'));
    const script = 'cat hello-finch.tar | "$0" load -q -i /dev/stdin';
    const said = await runOk(['sh', '-c', script, finchBinary], {
      env: finchEnvironment(bench.home),
      cwd: bench.folder,
    });
    expect(said).toBe('Loaded image: hello-finch:latest\n');
  });

  test('moves a name to the image that was loaded last', async () => {
    await using bench = await workbench();
    const [one, two] = [buildImage({ layers: [layerTar('1')] }), buildImage()];
    await writeOciArchive(bench.path('one.tar'), 'app:1', one);
    await writeOciArchive(bench.path('two.tar'), 'app:1', two);
    await bench.ok('load -i one.tar');
    await bench.ok('load -i two.tar');
    expect(await namesIn(bench.home)).toEqual({ 'app:1': two.root.digest });
  });
});

describe('finch load --compression', () => {
  test.skipIf(!areHere('docker-registry', 'skopeo')).each([
    ['--compression zstd', 'application/vnd.oci.image.layer.v1.tar+zstd'],
    ['--compression zstd --compression-level 12', 'application/vnd.oci.image.layer.v1.tar+zstd'],
    ['--compression-level 7', 'application/vnd.oci.image.layer.v1.tar+gzip'],
  ])('makes layers that skopeo and crane read and unpack: %s', async (flags, mediaType) => {
    await using bench = await registryBench();
    const layers = [longLayer(), layerTar('short')];
    await writeDocker(bench.path('long.tar'), [{ tags: ['long:1'], layers }]);
    const name = `${bench.registry.host}/long:1`;
    await bench.ok(`load -q ${flags} -i long.tar`);
    await bench.ok(`tag long:1 ${name}`);
    await bench.ok(`push -q ${name}`);
    const from = `docker://${name}`;
    const raw = await runOk(['skopeo', 'inspect', '--raw', '--tls-verify=false', from]);
    expect(parseDocument(new TextEncoder().encode(raw), { what: 'manifest' })).toMatchObject({
      layers: [{ mediaType }, { mediaType }],
    });
    await mkdir(bench.path('plain'));
    const unpacked = ['--src-tls-verify=false', '--dest-decompress'];
    await skopeoCopy(from, `dir:${bench.path('plain')}`, unpacked);
    for (const layer of layers) {
      const { hex } = digestParts(digestOf(layer));
      expect<string>(digestOf(await Bun.file(bench.path(`plain/${hex}`)).bytes())).toBe(
        `sha256:${hex}`,
      );
    }
    if (crane === null) return;
    // Its validate takes every layer for gzip.
    await runOk([crane, 'export', name, bench.path('files.tar')]);
    const files = await new Bun.Archive(await Bun.file(bench.path('files.tar')).bytes()).files();
    expect([...files.keys()].toSorted()).toEqual(['hello', 'long']);
  });

  test('compresses anew what is here, and frees what nobody needs any more', async () => {
    await using bench = await workbench();
    await writeDocker(bench.path('long.tar'), [{ tags: ['long:1'], layers: [longLayer()] }]);
    await bench.ok('load -q -i long.tar');
    const gzip = await blobsIn(bench.home);
    await bench.ok('load -q --compression zstd -i long.tar');
    const zstd = await blobsIn(bench.home);
    expect(zstd).toHaveLength(gzip.length);
    expect(zstd).not.toEqual(gzip);
    await bench.ok('load -q --compression zstd -i long.tar');
    expect(await blobsIn(bench.home)).toEqual(zstd);
    await bench.ok('load -q --compression gzip -i long.tar');
    expect(await blobsIn(bench.home)).toEqual(gzip);
  });
});

/** A bench whose store holds one image, and a check that it is as it was. */
async function benchWithImage(): Promise<
  Workbench & { readonly expectUnchanged: () => Promise<void> }
> {
  const bench = await workbench();
  await writeHelloFinch(bench.path('hello-finch.tar'));
  await bench.ok('load -q -i hello-finch.tar');
  const look = async () => [
    await filesIn(bench.home),
    await bench.ok(['images', '--format', '{{.Name}} {{.Digest}} {{.Platform}} {{.CreatedAt}}']),
  ];
  const before = await look();
  return { ...bench, expectUnchanged: async () => expect(await look()).toEqual(before) };
}

describe('finch load fails and leaves the store as it was', () => {
  test('for a file that is no archive, plain, compressed, or from stdin', async () => {
    await using bench = await benchWithImage();
    const text = Buffer.from('This is not an archive of images.\n'.repeat(100));
    await Bun.write(bench.path('notes.txt'), text);
    await Bun.write(bench.path('notes.gz'), Bun.gzipSync(text));
    await Bun.write(bench.path('notes.zst'), Bun.zstdCompressSync(text));
    await Bun.write(bench.path('short'), 'x');
    for (const file of ['notes.txt', 'notes.gz', 'notes.zst', 'short']) {
      expectError(
        await bench.fails(`load -i ${file}`),
        `"${file}" is not an image archive`,
        /finch load reads docker-archive, OCI archive and OCI layout/,
      );
      expectError(
        await bench.fails('load', { stdin: Bun.file(bench.path(file)) }),
        'standard input is not an image archive',
        /finch load reads/,
      );
    }
    await bench.expectUnchanged();
  });

  test('for a tar or a folder that holds no image', async () => {
    await using bench = await benchWithImage();
    await Bun.write(bench.path('layer.tar'), layerTar('just files'));
    await Bun.write(bench.path('folder/notes.txt'), 'no image');
    for (const input of ['layer.tar', 'folder']) {
      expectError(
        await bench.fails(`load -i ${input}`),
        `"${input}" is not an image archive`,
        /finch load reads/,
      );
    }
    await bench.expectUnchanged();
  });

  test('for a file that is not there', async () => {
    await using bench = await benchWithImage();
    expectError(await bench.fails('load -i nothing.tar'), /"nothing\.tar"/, /./);
    await bench.expectUnchanged();
  });

  test('for a stdin or a file that is empty', async () => {
    await using bench = await benchWithImage();
    await Bun.write(bench.path('empty'), '');
    expectError(await bench.fails('load'), 'standard input is empty', /finch load -i FILE/);
    expectError(
      await bench.fails('load', { stdin: '' }),
      'standard input is empty',
      /finch load -i/,
    );
    expectError(
      await bench.fails('load -i empty'),
      /"empty" is (?:empty|not an image archive)/,
      /./,
    );
    await bench.expectUnchanged();
  });

  test('for an archive that ends too early, wherever that is', async () => {
    await using bench = await benchWithImage();
    const noise = crypto.getRandomValues(new Uint8Array(200_000)).toHex();
    const layers = [layerTar(noise, 'noise'), layerTar('small')];
    await writeDocker(bench.path('docker.tar'), [{ tags: ['cut:1'], layers }]);
    await writeOciArchive(bench.path('oci.tar'), 'cut:1', buildImage({ layers }));
    for (const file of ['docker.tar', 'oci.tar']) {
      const whole = await Bun.file(bench.path(file)).bytes();
      for (const length of [600, 5_000, whole.length >> 1, whole.length - 3_000]) {
        await Bun.write(bench.path('cut.tar'), whole.subarray(0, length));
        expectError(await bench.fails('load -i cut.tar'), /"cut\.tar"/, /./);
        await Bun.write(bench.path('cut.tar.gz'), Bun.gzipSync(whole.subarray(0, length)));
        expectError(await bench.fails('load -i cut.tar.gz'), /"cut\.tar\.gz"/, /./);
      }
      await Bun.write(bench.path('whole.tar.gz'), Bun.gzipSync(whole));
      await truncate(bench.path('whole.tar.gz'), 10_000);
      expectError(await bench.fails('load -i whole.tar.gz'), /"whole\.tar\.gz"/, /./);
      const stdin = Bun.file(bench.path('whole.tar.gz'));
      expectError(await bench.fails('load', { stdin }), /standard input/, /./);
    }
    await bench.expectUnchanged();
  });

  test('for an archive whose layer is another than its configuration says', async () => {
    await using bench = await benchWithImage();
    await writeDocker(bench.path('wrong.tar'), [
      { tags: ['good:1'], layers: [layerTar('good')] },
      { tags: ['wrong:1'], layers: [layerTar('right')], stored: [layerTar('wrong')] },
    ]);
    expectError(await bench.fails('load -i wrong.tar'), /is not the one that the image names/, /./);
    await bench.expectUnchanged();
  });

  test('for an archive with a blob that does not have its digest, or lacks one', async () => {
    await using bench = await benchWithImage();
    const built = buildMultiPlatform('linux/amd64', 'linux/arm64');
    const name = { 'org.opencontainers.image.ref.name': 'wrong:1' };
    const files = [...layoutFiles(built, name)];
    const largest = files.reduce((a, b) =>
      b[0].includes('blobs/') && b[1].length > a[1].length ? b : a,
    );
    const damaged = files.map(([path, bytes]) => ({
      name: path,
      bytes: path === largest[0] ? bytes.map((byte, i) => (i === 50 ? byte ^ 1 : byte)) : bytes,
    }));
    await Bun.write(bench.path('damaged.tar'), tarFile(damaged));
    expectError(await bench.fails('load -i damaged.tar'), /sha256:[0-9a-f]{64}/);
    const layers = built.order.filter(({ mediaType }) => mediaType.includes('layer'));
    const without = files.filter(([path]) =>
      layers.every(({ digest }) => path !== `blobs/${digest.replace(':', '/')}`),
    );
    const members = without.map(([path, bytes]) => ({ name: path, bytes }));
    await Bun.write(bench.path('incomplete.tar'), tarFile(members));
    expectError(
      await bench.fails('load -i incomplete.tar'),
      /does not hold all of sha256:[0-9a-f]{64}; missing: sha256:/,
      /./,
    );
    await bench.expectUnchanged();
  });

  test('for a form or a level of compression that there is not', async () => {
    await using bench = await benchWithImage();
    for (const [flags, problem, hint] of [
      ['--compression lz4', 'there is no --compression "lz4"', /gzip, zstd/],
      [
        '--compression zstd --compression-level 20',
        'zstd has no --compression-level "20"',
        /from 1 to 19/,
      ],
      ['--compression-level 0', 'gzip has no --compression-level "0"', /from 1 to 12/],
      ['--compression-level 3.5', 'gzip has no --compression-level "3.5"', /from 1 to 12/],
      [
        '--compression gzip --compression-level high',
        'gzip has no --compression-level "high"',
        /1 to 12/,
      ],
    ] as const) {
      expectError(await bench.fails(`load ${flags} -i hello-finch.tar`), problem, hint);
    }
    await bench.expectUnchanged();
  });

  test('for arguments, which it does not take', async () => {
    await using bench = await benchWithImage();
    expectError(
      await bench.fails('load hello-finch.tar'),
      /accepts no arguments/,
      /finch load --help/,
    );
    await bench.expectUnchanged();
  });
});
