import { describe, expect, test } from 'bun:test';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buildImage, layerTar } from '../support/images.ts';
import { writeLayout, writeOciArchive } from './support/archives.ts';
import { buildAttested } from './support/attested.ts';
import { namesIn } from './support/home-contents.ts';
import { areHere, runOk, runProgram } from './support/program.ts';
import { pullVerified, skopeoCopy, skopeoDigest } from './support/skopeo.ts';
import { type RegistryBench, registryBench } from './support/workbench.ts';

/** A registry bench, and an image of two layers for other tools to start from. */
async function benchWithSource(): Promise<RegistryBench & { readonly source: string }> {
  const bench = await registryBench();
  const image = buildImage({ layers: [layerTar('one', 'first'), layerTar('two', 'second')] });
  const layout = await writeLayout(bench.path('source'), 'app:1', image);
  return { ...bench, source: `oci:${layout}:app:1` };
}

/** One way to hand an archive to `finch load`. */
interface Load {
  readonly input?: string;
  readonly stdin?: Blob;
}

/**
 * Loads an archive into an empty home, pushes what came out of it, and pulls that back with skopeo,
 * which must find every blob with its digest.
 * @returns the name that was loaded, and the number of blobs below the manifest
 */
async function roundTrip(bench: RegistryBench, { input, stdin }: Load) {
  const home = await bench.newHome();
  const loaded = await bench.ok(input === undefined ? 'load' : `load -i ${input}`, {
    home,
    ...(stdin !== undefined && { stdin }),
  });
  const name = /^Loaded image: (\S+)\n$/.exec(loaded)?.[1] ?? '';
  const tag = crypto.randomUUID();
  const remote = `${bench.registry.host}/round-trip:${tag}`;
  await bench.ok(`tag ${name} ${remote}`, { home });
  await bench.ok(`push --quiet ${remote}`, { home });
  const pulled = await pullVerified(bench.registry, {
    name: `round-trip:${tag}`,
    to: bench.path(`pulled-${tag}`),
  });
  expect(pulled.root).toBe((await namesIn(home))[name] ?? '');
  return { name, blobs: pulled.blobs };
}

describe.skipIf(!areHere('docker-registry', 'skopeo'))('an archive that skopeo wrote', () => {
  for (const kind of ['docker-archive', 'oci-archive'] as const) {
    test(`as ${kind} loads from a file and from stdin, plain and compressed, and comes back whole`, async () => {
      await using bench = await benchWithSource();
      const plain = bench.path('app.tar');
      await skopeoCopy(bench.source, `${kind}:${plain}:registry.example/team/app:1`);
      const bytes = await Bun.file(plain).bytes();
      await Bun.write(bench.path('app.tar.gz'), Bun.gzipSync(bytes));
      await Bun.write(bench.path('app.tar.zst'), Bun.zstdCompressSync(bytes));
      for (const file of ['app.tar', 'app.tar.gz', 'app.tar.zst']) {
        for (const load of [{ input: file }, { stdin: Bun.file(bench.path(file)) }]) {
          const loaded = await roundTrip(bench, load);
          expect(loaded).toEqual({ name: 'registry.example/team/app:1', blobs: 3 });
        }
      }
    });
  }

  test('as an OCI layout folder loads and comes back whole', async () => {
    await using bench = await benchWithSource();
    await skopeoCopy(bench.source, `oci:${bench.path('layout')}:registry.example/app:1`);
    expect(await roundTrip(bench, { input: 'layout' })).toEqual({
      name: 'registry.example/app:1',
      blobs: 3,
    });
  });

  test('with several images and names loads them all', async () => {
    await using bench = await benchWithSource();
    const other = await writeLayout(bench.path('other'), 'other:1', buildImage());
    const archive = `docker-archive:${bench.path('both.tar')}`;
    const flags = ['--additional-tag', 'app:also'];
    await skopeoCopy(bench.source, `${archive}:app:1`, flags);
    const loaded = await bench.ok('load -i both.tar');
    expect(loaded.split('\n').toSorted()).toEqual([
      '',
      'Loaded image: app:1',
      'Loaded image: app:also',
    ]);
    await skopeoCopy(bench.source, `oci:${bench.path('many')}:app:2`);
    await skopeoCopy(`oci:${other}:other:1`, `oci:${bench.path('many')}:other:2`);
    expect(await bench.ok('load -i many')).toBe('Loaded image: app:2\nLoaded image: other:2\n');
    expect(Object.keys(await namesIn(bench.home)).toSorted()).toEqual([
      'app:1',
      'app:2',
      'app:also',
      'other:2',
    ]);
  });
});

test.skipIf(!areHere('docker-registry', 'skopeo', 'umoci'))(
  'a layout that umoci made, with a layer of its own, loads and comes back whole',
  async () => {
    await using bench = await registryBench();
    const image = `${bench.path('layout')}:v1`;
    await Bun.write(bench.path('hello.txt'), 'hello from umoci');
    await runOk(['umoci', 'init', '--layout', bench.path('layout')]);
    await runOk(['umoci', 'new', '--image', image]);
    await runOk([
      ...['umoci', 'insert', '--rootless', '--image', image],
      ...[bench.path('hello.txt'), '/hello.txt'],
    ]);
    await runOk(['umoci', 'config', '--image', image, '--config.label', 'made.by=umoci']);
    const { name, blobs } = await roundTrip(bench, { input: 'layout' });
    // umoci names images by a tag alone.
    expect(name).toMatch(/^import-\d{4}-\d{2}-\d{2}:v1$/);
    expect(blobs).toBe(2);
  },
);

/** Runs buildah or podman over a storage of the bench's own, which needs no rights and no daemon. */
function containersTool(tool: 'buildah' | 'podman', folder: string, args: readonly string[]) {
  const storage = ['--root', join(folder, 'storage'), '--runroot', join(folder, 'run')];
  return runProgram([tool, ...storage, '--storage-driver', 'vfs', ...args]);
}

/** {@link containersTool} that must succeed. */
async function containersToolOk(
  tool: 'buildah' | 'podman',
  folder: string,
  args: readonly string[],
): Promise<string> {
  const { stdout, stderr, exitCode } = await containersTool(tool, folder, args);
  if (exitCode !== 0)
    throw new Error(`${tool} ${args.join(' ')} ended with ${exitCode}\n${stderr}`);
  return stdout.trim();
}

/** Why buildah or podman cannot make images here; undefined when they can. */
async function whyNot(tool: 'buildah' | 'podman'): Promise<string | undefined> {
  if (!areHere('docker-registry', 'skopeo', 'buildah', tool)) return 'it is not installed';
  await using bench = await registryBench();
  try {
    // Some sandboxes let it make a container and not an image.
    await build(bench);
    await containersToolOk(tool, bench.folder, ['images']);
    return undefined;
  } catch (error) {
    return String(error).trim().split('\n').at(-1)?.slice(0, 200);
  }
}

/** Builds `localhost/built:1`, an image of one layer, with buildah. */
async function build({ folder, path }: RegistryBench): Promise<void> {
  await mkdir(path('context'));
  await Bun.write(path('context/hello.txt'), 'hello from buildah');
  await Bun.write(path('policy.json'), '{"default":[{"type":"insecureAcceptAnything"}]}');
  const container = await containersToolOk('buildah', folder, ['from', 'scratch']);
  await containersToolOk('buildah', folder, ['copy', container, path('context/hello.txt'), '/']);
  await containersToolOk('buildah', folder, [
    ...['commit', '--signature-policy', path('policy.json'), container, 'localhost/built:1'],
  ]);
}

for (const tool of ['buildah', 'podman'] as const) {
  const reason = await whyNot(tool);
  test.skipIf(reason !== undefined)(
    `archives that ${tool} wrote load and come back whole${reason === undefined ? '' : ` (${reason})`}`,
    async () => {
      await using bench = await registryBench();
      await build(bench);
      for (const kind of ['docker-archive', 'oci-archive'] as const) {
        const file = `${kind}.tar`;
        const args =
          tool === 'podman'
            ? ['save', '--quiet', '--format', kind, '--output', bench.path(file)]
            : ['push', '--quiet', '--signature-policy', bench.path('policy.json')];
        const to = tool === 'podman' ? [] : [`${kind}:${bench.path(file)}:localhost/built:1`];
        await containersToolOk(tool, bench.folder, [...args, 'localhost/built:1', ...to]);
        for (const load of [{ input: file }, { stdin: Bun.file(bench.path(file)) }]) {
          expect(await roundTrip(bench, load)).toEqual({ name: 'localhost/built:1', blobs: 2 });
        }
      }
    },
  );
}

describe.skipIf(!areHere('docker-registry', 'skopeo'))(
  'an image of two platforms with attestations',
  () => {
    test('keeps its digest through load and push, from a folder and from an archive', async () => {
      await using bench = await registryBench();
      const { built } = buildAttested();
      await writeLayout(bench.path('layout'), 'attested:1', built);
      await writeOciArchive(bench.path('attested.tar'), 'attested:2', built);
      for (const [input, tag] of [
        ['layout', 1],
        ['attested.tar', 2],
      ] as const) {
        const home = await bench.newHome();
        expect(await bench.ok(`load -i ${input}`, { home })).toBe(
          `Loaded image: attested:${tag}\n`,
        );
        const remote = `${bench.registry.host}/attested:${tag}`;
        await bench.ok(`tag attested:${tag} ${remote}`, { home });
        const { stdout, stderr } = await bench.run(`push ${remote}`, { home });
        expect(stdout).toBe(`${remote}: digest: ${built.root.digest} size: ${built.root.size}\n`);
        expect(stderr).not.toContain('left out');
        expect(await skopeoDigest(bench.registry, `attested:${tag}`)).toBe(built.root.digest);
        const pulled = await pullVerified(bench.registry, {
          name: `attested:${tag}`,
          to: bench.path(`pulled-${tag}`),
        });
        expect(pulled).toEqual({ root: built.root.digest, blobs: built.order.length - 1 });
      }
    });

    test('shows one row for each platform, and none for the attestations', async () => {
      await using bench = await registryBench();
      await writeLayout(bench.path('layout'), 'attested:1', buildAttested().built);
      await bench.ok('load -i layout');
      expect(await bench.ok(['images', '--format', '{{.Platform}}'])).toBe(
        'linux/amd64\nlinux/arm64\n',
      );
    });
  },
);
