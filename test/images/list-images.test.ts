import { describe, expect, test } from 'bun:test';
import type { ImageRow } from '../../src/images/image-row.ts';
import { listed, listImages } from '../../src/images/list-images.ts';
import { type Digest, digestOf, toDigest } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { HOST, type Shelf, shelf } from './shelf.ts';

function list({ store }: Shelf): Promise<readonly ImageRow[]> {
  return listImages(store, store.names(), { platform: HOST });
}

/** `REPOSITORY:TAG PLATFORM` of each row. */
async function lines(place: Shelf): Promise<readonly string[]> {
  const rows = await list(place);
  return rows.map(({ repository, tag, platform }) => `${repository}:${tag} ${platform}`);
}

/** All that is known of a row. */
function fieldsOf({ name, repository, tag, digest, ...rest }: ImageRow): ImageRow {
  const { createdAt, platform, size, blobSize } = rest;
  return { name, repository, tag, digest, createdAt, platform, size, blobSize };
}

describe('listImages()', () => {
  test('gives everything that is known of a row', async () => {
    await using place = await shelf();
    const { graph, store } = place;
    const layers = [graph.layer('l1', 'a'.repeat(3000)), graph.layer('l2')];
    const image = graph.image('image', 'linux/amd64', { layers });
    await place.put(image, ['ghcr.io/me/app:1.10']);
    for (const { digest, size, mediaType } of layers) {
      store.recordLayer({
        digest,
        size,
        mediaType,
        diffId: digestOf(new Uint8Array()),
        diffSize: 5000,
      });
    }
    const parts = graph.below(image).map(({ size }) => size);
    expect((await list(place)).map(fieldsOf)).toEqual([
      {
        name: 'ghcr.io/me/app:1.10',
        repository: 'ghcr.io/me/app',
        tag: '1.10',
        digest: image.digest,
        createdAt: new Date('2026-01-01T00:00:01Z'),
        platform: 'linux/amd64',
        size: 10_000,
        blobSize: parts.reduce((sum, size) => sum + size, 0),
      },
    ]);
  });

  test('gives a row for each version of Windows', async () => {
    await using place = await shelf();
    const { graph } = place;
    const images = ['10.0.17763.5', '10.0.20348.2'].map((version) =>
      graph.image(version, `windows/amd64:${version}`),
    );
    await place.put(graph.index('index', images), ['app:1']);
    expect(await lines(place)).toEqual([
      'app:1 windows(10.0.17763.5)/amd64',
      'app:1 windows(10.0.20348.2)/amd64',
    ]);
  });

  test('gives nothing for an empty store', async () => {
    await using place = await shelf();
    expect(await list(place)).toEqual([]);
  });

  test('gives a row for each platform that is here, in the order of the index', async () => {
    await using place = await shelf();
    const { graph } = place;
    const platforms = ['linux/s390x', 'linux/arm/v7', 'linux/amd64', 'windows/amd64'];
    const images = platforms.map((platform) => graph.image(platform, platform));
    await place.put(graph.index('index', images), ['app:1'], ['linux/s390x']);
    expect(await lines(place)).toEqual([
      'app:1 linux/arm/v7',
      'app:1 linux/amd64',
      'app:1 windows/amd64',
    ]);
  });

  test('gives the id of the index on every row, and size 0 for what this machine does not run', async () => {
    await using place = await shelf();
    const { graph, store } = place;
    const images = ['arm64', 'amd64'].map((name) => graph.image(name, `linux/${name}`));
    const index = graph.index('index', images);
    await place.put(index, ['app:1']);
    for (const layer of graph.below(index).filter(({ mediaType }) => mediaType.includes('layer'))) {
      const { digest, size, mediaType } = layer;
      store.recordLayer({ digest, size, mediaType, diffId: digest, diffSize: 777 });
    }
    const rows = await list(place);
    expect(rows.map(({ digest }) => digest)).toEqual([index.digest, index.digest]);
    expect(rows.map(({ size }) => size)).toEqual([0, 777]);
    expect(rows.every(({ blobSize }) => blobSize > 0)).toBe(true);
  });

  test('gives a row for each name, newest first', async () => {
    await using place = await shelf();
    const { graph } = place;
    const images = ['arm64', 'amd64'].map((name) => graph.image(name, `linux/${name}`));
    await place.put(graph.index('index', images), ['app:1', 'app:2', 'app:1']);
    expect(await lines(place)).toEqual([
      'app:1 linux/arm64',
      'app:1 linux/amd64',
      'app:2 linux/arm64',
      'app:2 linux/amd64',
    ]);
  });

  test('collapses entries of one platform, and of a config that says the same in other words', async () => {
    await using place = await shelf();
    const { graph } = place;
    const images = ['linux/amd64', 'linux/x86_64', 'linux/arm64/v8', 'linux/aarch64'].map(
      (platform) => graph.image(platform, platform),
    );
    await place.put(graph.index('index', [...images, ...images]), ['app:1']);
    expect(await lines(place)).toEqual(['app:1 linux/amd64', 'app:1 linux/arm64']);
    const first = graph.below(images[0] ?? graph.index('x', []));
    const size = first.reduce((sum, part) => sum + part.size, 0);
    expect((await list(place))[0]?.blobSize).toBe(size);
  });

  test('leaves attestations out, and gives an artifact a row without a platform', async () => {
    await using place = await shelf();
    const { graph } = place;
    const image = graph.image('amd64', 'linux/amd64');
    await place.put(graph.index('index', [image, graph.attestation('proof', image)]), ['app:1']);
    const chart = graph.artifact('chart');
    await place.put(chart, ['chart:1']);
    expect(await lines(place)).toEqual(['chart:1 ', 'app:1 linux/amd64']);
    expect((await list(place))[0]).toMatchObject({ size: 0, blobSize: chart.size });
  });

  test('opens nested indexes and manifest lists of Docker', async () => {
    await using place = await shelf();
    const { graph } = place;
    const docker = graph.image('docker', 'linux/386', { docker: true });
    const inner = graph.index('list', [docker], { mediaType: mediaTypes.dockerList });
    const outer = graph.index('outer', [graph.image('amd64', 'linux/amd64'), inner]);
    await place.put(outer, ['app:1']);
    expect(await lines(place)).toEqual(['app:1 linux/amd64', 'app:1 linux/386']);
  });

  test('keeps a row for an image of which no platform is here, and for an empty index', async () => {
    await using place = await shelf();
    const { graph } = place;
    const index = graph.index('index', [graph.image('amd64', 'linux/amd64')]);
    await place.put(index, ['app:1'], ['amd64']);
    await place.put(graph.index('empty', []), ['empty:1']);
    expect(await lines(place)).toEqual(['empty:1 ', 'app:1 ']);
  });

  test('shows a name without a tag as <none>', async () => {
    await using place = await shelf();
    const image = place.graph.image('amd64', 'linux/amd64');
    await place.put(image, [`app@${image.digest}`, `ghcr.io/me/app:2@${image.digest}`]);
    expect(await lines(place)).toEqual(['ghcr.io/me/app:2 linux/amd64', 'app:<none> linux/amd64']);
  });

  for (const name of ['index', 'bad', 'bad.config']) {
    test(`shows the other images when ${name} of one is damaged or lost`, async () => {
      for (const harm of ['damage', 'lose'] as const) {
        await using place = await shelf();
        const { graph } = place;
        const images = ['bad', 'arm64'].map((one) => graph.image(one, `linux/${one}`));
        await place.put(graph.image('good', 'linux/amd64'), ['good:1']);
        await place.put(graph.index('index', images), ['bad:1']);
        await place.put(graph.image('other', 'linux/amd64'), ['other:1']);
        await place[harm](name);
        const shown = await lines(place);
        expect(shown[0]).toBe('other:1 linux/amd64');
        expect(shown.at(-1)).toBe('good:1 linux/amd64');
        expect(shown[1]).toStartWith('bad:1');
      }
    });
  }

  test('shows the sound platforms of an image of which one is damaged', async () => {
    await using place = await shelf();
    const { graph } = place;
    const images = ['bad', 'arm64'].map((one) => graph.image(one, `linux/${one}`));
    await place.put(graph.index('index', images), ['bad:1']);
    await place.damage('bad.config');
    expect(await lines(place)).toEqual(['bad:1 linux/arm64']);
  });

  test('throws when it is told to stop', async () => {
    await using place = await shelf();
    await place.put(place.graph.image('good', 'linux/amd64'), ['good:1']);
    const options = { platform: HOST, signal: AbortSignal.abort() };
    await expect(listImages(place.store, place.store.names(), options)).rejects.toThrow();
  });
});

test('a name by digest is listed only where no tag of its repository names the image', () => {
  const [a, b] = [toDigest('sha256', 'a1'.repeat(32)), toDigest('sha256', 'b2'.repeat(32))];
  const record = (name: string, digest: Digest) => ({
    ...{ name, target: { mediaType: '', digest, size: 0 }, createdAt: new Date(0) },
  });
  const shown = [
    record('localhost:5000/app:1', a),
    record(`localhost:5000/app@${b}`, b),
    record(`localhost:5000/other@${a}`, a),
    record(`<none>@${b}`, b),
  ];
  const doubled = [record(`localhost:5000/app@${a}`, a), record(`<none>@${a}`, a)];
  expect(listed([...doubled, ...shown])).toEqual(shown);
});
