import { describe, expect, test } from 'bun:test';
import { findReadableImages, readPlatformImage } from '../../src/copy/platforms.ts';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { formatPlatform } from '../../src/oci/platform.ts';
import { Graph } from './graph.ts';
import { MemoryStore } from './memory-store.ts';

/** The names and platforms of the images below what `make` makes, but for what has a name in `without`. */
async function images(make: (graph: Graph) => Descriptor, without: readonly string[] = []) {
  const graph = new Graph();
  const root = make(graph);
  const store = new MemoryStore({ blobs: graph.blobs });
  for (const part of graph.below(root)) {
    if (without.includes(graph.nameOf(part))) store.blobs.delete(part.digest);
  }
  const found = await findReadableImages(store, root);
  return found.map(
    ({ descriptor, platform }) => `${graph.nameOf(descriptor)} ${formatPlatform(platform)}`,
  );
}

const two = (graph: Graph) =>
  graph.index('root', [graph.image('b', 'linux/arm64'), graph.image('a', 'linux/amd64')]);

describe('findReadableImages()', () => {
  test('gives the images of an index in its order', async () => {
    expect(await images(two)).toEqual(['b linux/arm64', 'a linux/amd64']);
  });

  test('gives a lone manifest', async () => {
    expect(await images((graph) => graph.image('a', 'linux/arm/v6'))).toEqual(['a linux/arm/v6']);
  });

  test('says the platform of the config, whatever the index claims', async () => {
    const lies = (graph: Graph) => {
      const image = graph.image('a', 'linux/s390x', { declared: false });
      return graph.index('root', [{ ...image, platform: { os: 'linux', architecture: 'amd64' } }]);
    };
    expect(await images(lies)).toEqual(['a linux/s390x']);
  });

  test('spells platforms in one way', async () => {
    const spellings = (graph: Graph) =>
      graph.index('root', [
        graph.image('a', 'Linux/aarch64/v8'),
        graph.image('b', 'linux/x86_64'),
        graph.image('c', 'linux/arm'),
        graph.image('d', 'linux/armhf'),
      ]);
    const expected = ['a linux/arm64', 'b linux/amd64', 'c linux/arm/v7', 'd linux/arm/v7'];
    expect(await images(spellings)).toEqual(expected);
  });

  test('opens nested indexes and manifest lists', async () => {
    const nested = (graph: Graph) => {
      const inner = graph.index('inner', [graph.image('x', 'linux/riscv64')]);
      const docker = graph.image('y', 'linux/386', { docker: true });
      const list = graph.index('list', [docker], { mediaType: mediaTypes.dockerList });
      return graph.index('outer', [list, graph.image('z', 'linux/amd64'), inner]);
    };
    expect(await images(nested)).toEqual(['y linux/386', 'z linux/amd64', 'x linux/riscv64']);
  });

  test('leaves out attestations and artifacts', async () => {
    const mixed = (graph: Graph) => {
      const image = graph.image('a', 'linux/amd64');
      const others = [graph.attestation('proof', image), graph.artifact('chart')];
      return graph.index('root', [image, ...others]);
    };
    expect(await images(mixed)).toEqual(['a linux/amd64']);
    expect(await images((graph) => graph.artifact('chart'))).toEqual([]);
  });

  test('leaves out an attestation that the index does not call one', async () => {
    const unmarked = (graph: Graph) => {
      const image = graph.image('a', 'linux/amd64');
      const { annotations, ...proof } = graph.attestation('proof', image);
      expect(annotations).toBeDefined();
      return graph.index('root', [image, proof]);
    };
    expect(await images(unmarked)).toEqual(['a linux/amd64']);
  });

  test('leaves out what is not here whole', async () => {
    for (const name of ['a', 'a.config', 'a.layer']) {
      expect(await images(two, [name])).toEqual(['b linux/arm64']);
    }
    expect(await images(two, ['root'])).toEqual([]);
  });

  test('gives an image once that is there twice', async () => {
    const twice = (graph: Graph) => {
      const image = graph.image('a', 'linux/amd64');
      return graph.index('root', [image, image]);
    };
    expect(await images(twice)).toEqual(['a linux/amd64']);
  });
});

describe('readPlatformImage()', () => {
  test('gives nothing for what is no manifest', async () => {
    const graph = new Graph();
    const store = new MemoryStore({ blobs: graph.blobs });
    for (const other of [graph.index('index', []), graph.blob('blob')]) {
      expect(await readPlatformImage(store, other)).toBeUndefined();
    }
    expect(store.log).toEqual([]);
  });

  test('throws for a config that names no platform', async () => {
    const graph = new Graph();
    const config = graph.add('config', mediaTypes.config, new TextEncoder().encode('{}'));
    const root = graph.manifest('image', { config, layers: [] });
    const reading = readPlatformImage(new MemoryStore({ blobs: graph.blobs }), root);
    await expect(reading).rejects.toMatchObject({ code: 'DOCUMENT_INVALID' });
  });
});
