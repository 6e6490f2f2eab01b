import { describe, expect, test } from 'bun:test';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { readStream } from '../support/content-store-contract.ts';
import { ATTESTED_PLATFORMS, attested, type Make, many, outcome, select } from './selecting.ts';

describe('selectPlatforms() of an index that is all here', () => {
  test.each([
    ['present', 'same'],
    ['all', 'same'],
    [
      'linux/amd64',
      'amd | linux/arm64, linux/arm/v6, linux/arm/v7, windows/amd64:10.0.17763.1, windows/amd64:10.0.20348.2',
    ],
    [
      'amd64',
      'amd | linux/arm64, linux/arm/v6, linux/arm/v7, windows/amd64:10.0.17763.1, windows/amd64:10.0.20348.2',
    ],
    [
      'linux/aarch64',
      'arm64 | linux/amd64, linux/arm/v6, linux/arm/v7, windows/amd64:10.0.17763.1, windows/amd64:10.0.20348.2',
    ],
    [
      'linux/arm',
      'v6 v7 | linux/amd64, linux/arm64, windows/amd64:10.0.17763.1, windows/amd64:10.0.20348.2',
    ],
    [
      'linux/arm/v6',
      'v6 | linux/amd64, linux/arm64, linux/arm/v7, windows/amd64:10.0.17763.1, windows/amd64:10.0.20348.2',
    ],
    [
      'armhf',
      'v7 | linux/amd64, linux/arm64, linux/arm/v6, windows/amd64:10.0.17763.1, windows/amd64:10.0.20348.2',
    ],
    ['windows/amd64', 'win19 win22 | linux/amd64, linux/arm64, linux/arm/v6, linux/arm/v7'],
    [
      'linux/arm64,linux/amd64',
      'amd arm64 | linux/arm/v6, linux/arm/v7, windows/amd64:10.0.17763.1, windows/amd64:10.0.20348.2',
    ],
    [
      'linux/amd64,linux/amd64',
      'amd | linux/arm64, linux/arm/v6, linux/arm/v7, windows/amd64:10.0.17763.1, windows/amd64:10.0.20348.2',
    ],
    ['amd64,arm64,arm,windows/amd64', 'same'],
  ])('with %s gives %s', async (choice, expected) => {
    expect(await outcome(many, choice)).toBe(expected);
  });

  test('keeps one build of Windows when its version is named', async () => {
    const { graph, text } = await select(many, 'windows/amd64:10.0.20348');
    const { manifests } = JSON.parse(text) as { manifests: readonly Descriptor[] };
    expect(manifests.map((member) => graph.nameOf(member))).toEqual(['win22']);
  });

  test('keeps all entries of one platform, in their order', async () => {
    const several: Make = (graph) => {
      const names = ['gzip', 'arm', 'zstd', 'estargz'];
      const images = names.map((name) =>
        graph.image(name, name === 'arm' ? 'linux/arm64' : 'linux/amd64'),
      );
      return graph.index('root', images);
    };
    expect(await outcome(several, 'amd64')).toBe('gzip zstd estargz | linux/arm64');
  });

  test('reads the platform from the config where the index names none', async () => {
    const bare: Make = (graph) =>
      graph.index(
        'root',
        ['amd64', 'arm64'].map((name) => graph.image(name, `linux/${name}`, { declared: false })),
      );
    expect(await outcome(bare, 'linux/arm64')).toBe('arm64 | linux/amd64');
    expect(await outcome(bare, 'linux/arm64,linux/amd64')).toBe('same');
  });

  test('keeps what is made for no platform', async () => {
    const withChart: Make = (graph) => {
      const images = ['amd64', 'arm64'].map((name) => graph.image(name, `linux/${name}`));
      return graph.index('root', [graph.artifact('chart'), ...images]);
    };
    expect(await outcome(withChart, 'amd64')).toBe('chart amd64 | linux/arm64');
  });

  test('works on manifest lists of Docker as on indexes', async () => {
    const list: Make = (graph) => {
      const images = ['amd64', 'arm64'].map((name) =>
        graph.image(name, `linux/${name}`, { docker: true }),
      );
      return graph.index('root', images, { mediaType: mediaTypes.dockerList });
    };
    expect(await outcome(list, 'arm64')).toBe('arm64 | linux/amd64');
    expect(await outcome(list, 'present')).toBe('same');
  });

  test('drops an entry for another platform also when it names the same manifest', async () => {
    const shared: Make = (graph) => {
      const image = graph.image('any', 'linux/amd64');
      const other = { ...image, platform: { os: 'linux', architecture: '386' } };
      return graph.index('root', [image, other]);
    };
    expect(await outcome(shared, 'linux/amd64')).toBe('any | linux/386');
  });

  test('keeps an index without members as it is', async () => {
    const empty: Make = (graph) => graph.index('root', []);
    expect(await outcome(empty, 'present')).toBe('same');
    expect(await outcome(empty, 'all')).toBe('same');
    expect(await outcome(empty, 'amd64')).toStartWith('PLATFORM_MISSING: app:1 has no linux/amd64');
  });
});

describe('selectPlatforms() keeps of attestations those of the kept images', () => {
  test.each([
    ['present', 'same'],
    ['all', 'same'],
    [ATTESTED_PLATFORMS, 'same'],
    ['linux/amd64', 'amd64 amd64.proof | linux/arm64'],
    ['linux/arm64', 'arm64 arm64.proof | linux/amd64'],
  ])('with %s: %s', async (choice, expected) => {
    expect(await outcome(attested, choice)).toBe(expected);
  });

  test('and leaves out those that are not here', async () => {
    const without = ['arm64.proof'];
    const left = 'arm64 amd64 amd64.proof | attestations';
    expect(await outcome(attested, 'present', without)).toBe(left);
    expect(await outcome(attested, ATTESTED_PLATFORMS, without)).toBe(left);
  });

  test('and does not take one for the platform that it calls unknown', async () => {
    expect(await outcome(attested, 'unknown/unknown')).toStartWith('PLATFORM_MISSING');
  });

  test('and sends the whole index as it is, also one that attests of what is elsewhere', async () => {
    const stray: Make = (graph) => {
      const elsewhere = graph.image('elsewhere', 'linux/s390x');
      const proof = graph.attestation('proof', elsewhere);
      return graph.index('root', [graph.image('amd64', 'linux/amd64'), proof]);
    };
    expect(await outcome(stray, 'all')).toBe('same');
    expect(await outcome(stray, 'present')).toBe('same');
  });
});

describe('the smaller index of selectPlatforms()', () => {
  test('is the same each time, and keeps unknown members and their order', async () => {
    const rich: Make = (graph) => {
      const members = ['amd64', 'arm64'].map((name) => ({
        ...graph.image(name, `linux/${name}`),
        ...{ 'x.unknown': [1, { a: null }], annotations: { b: '1', a: '2' } },
      }));
      return graph.index('root', members, { annotations: { z: '1' }, 'x.last': { y: [true] } });
    };
    const [first, second] = await Promise.all([select(rich, 'arm64'), select(rich, 'arm64')]);
    expect(first.selection.root).toEqual(second.selection.root);
    const whole = JSON.parse(new TextDecoder().decode(first.graph.bytesOf(first.root)));
    const wanted = { ...whole, manifests: whole.manifests.slice(1) };
    expect(first.text).toBe(JSON.stringify(wanted));
  });

  test('can be read like the rest of the image, and is not put into the store', async () => {
    const { graph, root, store, selection } = await select(attested, 'linux/amd64');
    expect(await selection.from.has(selection.root)).toBe(true);
    expect(await selection.from.has(root)).toBe(true);
    const config = graph.below(root).find((part) => graph.nameOf(part) === 'amd64.config') ?? root;
    const read = await readStream((await selection.from.open(config)).stream());
    expect(digestOf(read)).toBe(config.digest);
    expect(await store.has(selection.root)).toBe(false);
    expect(store.logged('write')).toEqual([]);
  });
});
