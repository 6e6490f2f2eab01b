import { describe, expect, test } from 'bun:test';
import { type Digest, digestOf, shortId } from '../../src/oci/digest.ts';
import { type Built, buildImage, buildMultiPlatform, layerTar } from '../support/images.ts';
import { writeOciArchive } from './support/archives.ts';
import { expectError } from './support/expectations.ts';
import { blobsIn, namesIn } from './support/home-contents.ts';
import { areHere } from './support/program.ts';
import { registryBench, type Workbench, workbench } from './support/workbench.ts';

const here = process.arch === 'x64' ? 'linux/amd64' : 'linux/arm64';
const platform = { os: 'linux', architecture: here.slice('linux/'.length) };

/** An image for this machine. */
function image(...texts: readonly string[]): Built & { readonly diffIds: readonly Digest[] } {
  const layers = texts.map((text) => layerTar(text, text));
  return {
    ...buildImage({ platform, layers }),
    diffIds: layers.map((layer) => digestOf(layer)),
  };
}

async function load(bench: Workbench, name: string, built: Built): Promise<void> {
  await writeOciArchive(bench.path('image.tar'), name, built);
  await bench.ok('load -q -i image.tar');
}

describe('finch rmi', () => {
  test('says which names and layers are gone', async () => {
    await using bench = await workbench();
    const built = image('one', 'two');
    await load(bench, 'app:1', built);
    const lines = (await bench.ok('rmi app:1')).trimEnd().split('\n');
    expect(lines[0]).toBe(`Untagged: docker.io/library/app:1@${built.root.digest}`);
    expect(lines.slice(1).toSorted()).toEqual(
      built.diffIds.map((diffId) => `Deleted: ${diffId}`).toSorted(),
    );
    expect(await bench.ok('images -q')).toBe('');
  });

  test('takes away one of two names and frees nothing that the other reaches', async () => {
    await using bench = await workbench();
    const built = image('one');
    await load(bench, 'app:1', built);
    await bench.ok('tag app:1 registry.example/team/app:2');
    expect(await bench.ok('rmi registry.example/team/app:2')).toBe(
      `Untagged: registry.example/team/app:2@${built.root.digest}\n`,
    );
    expect(await namesIn(bench.home)).toEqual({ 'app:1': built.root.digest });
    expect(await blobsIn(bench.home)).toEqual([...built.blobs.keys()].toSorted());
  });

  test('keeps a layer that another image has, too', async () => {
    await using bench = await workbench();
    const [one, two] = [image('shared', 'one'), image('shared', 'two')];
    await load(bench, 'app:1', one);
    await load(bench, 'app:2', two);
    expect(await bench.ok('rmi app:1')).toBe(
      `Untagged: docker.io/library/app:1@${one.root.digest}\nDeleted: ${one.diffIds[1]}\n`,
    );
    expect(await blobsIn(bench.home)).toEqual([...two.blobs.keys()].toSorted());
  });

  test.skipIf(!areHere('docker-registry'))(
    'of every name, of what was loaded, tagged and pulled, leaves no blob and no name',
    async () => {
      await using bench = await registryBench();
      const { host } = bench.registry;
      await load(bench, 'two:latest', buildMultiPlatform('linux/amd64', 'linux/arm64'));
      await load(bench, 'one:latest', image('one', 'two'));
      for (const name of ['one', 'two']) {
        await bench.ok(`tag ${name} ${host}/${name}:1`);
        await bench.ok(`push -q ${host}/${name}:1`);
        await bench.ok(`tag ${name} ${host}/${name}:again`);
        await bench.ok(`rmi ${name} ${host}/${name}:1`);
        await bench.ok(`pull -q --all-platforms ${host}/${name}:1`);
      }
      const names = (await bench.ok(['images', '--format', '{{.Name}}'])).trimEnd().split('\n');
      expect(new Set(names).size).toBe(4);
      await bench.ok(['rmi', ...new Set(names)]);
      expect(await blobsIn(bench.home)).toEqual([]);
      expect(await namesIn(bench.home)).toEqual({});
      expect(await bench.ok('images')).toMatch(/^REPOSITORY .*BLOB SIZE\n$/);
    },
  );

  test('takes the id of an image, short or whole', async () => {
    await using bench = await workbench();
    const built = image('one');
    const { digest } = built.root;
    for (const id of [shortId(digest), digest.slice(7, 11), digest, digest.slice(7)]) {
      await load(bench, 'app:1', built);
      expect(await bench.ok(`image rm ${id}`)).toStartWith(
        `Untagged: docker.io/library/app:1@${digest}\n`,
      );
      expect(await blobsIn(bench.home)).toEqual([]);
    }
  });

  test('refuses an id with two names, unless it is forced', async () => {
    await using bench = await workbench();
    const built = image('one');
    await load(bench, 'app:1', built);
    await bench.ok('tag app:1 app:2');
    const id = shortId(built.root.digest);
    expectError(
      await bench.fails(`rmi ${id}`),
      `multiple IDs found with provided prefix: ${id}`,
      /--force/,
    );
    expect(Object.keys(await namesIn(bench.home))).toEqual(['app:1', 'app:2']);
    const lines = (await bench.ok(`rmi -f ${id}`)).trimEnd().split('\n');
    expect(lines.toSorted()).toEqual([
      `Deleted: ${built.diffIds[0]}`,
      `Untagged: docker.io/library/app:1@${built.root.digest}`,
      `Untagged: docker.io/library/app:2@${built.root.digest}`,
    ]);
    expect(await blobsIn(bench.home)).toEqual([]);
  });

  test('of a name that is not there fails and takes none of the others away', async () => {
    await using bench = await workbench();
    await load(bench, 'app:1', image('one'));
    for (const [args, missing] of [
      ['nothing', 'nothing'],
      ['app:1 app:2', 'app:2'],
      ['0123456789ab', '0123456789ab'],
    ]) {
      expectError(
        await bench.fails(`rmi ${args}`),
        `no such image: ${missing}`,
        'see what is here with: finch images',
      );
    }
    expect(Object.keys(await namesIn(bench.home))).toEqual(['app:1']);
  });

  test('--force passes over names that are not there', async () => {
    await using bench = await workbench();
    await load(bench, 'app:1', image('one'));
    const { stdout, stderr, exitCode } = await bench.run('rmi --force nothing app:1');
    expect(stdout).toStartWith('Untagged: docker.io/library/app:1@');
    expect({ stderr, exitCode }).toEqual({ stderr: 'no such image: nothing\n', exitCode: 0 });
  });
});
