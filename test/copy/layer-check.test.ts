import { describe, expect, test } from 'bun:test';
import { memoryContent } from '../../src/content.ts';
import { recordLayers } from '../../src/copy/layer-check.ts';
import { type Descriptor, describe as describeBytes } from '../../src/oci/descriptor.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import type { ImageStore } from '../../src/store/image-store.ts';
import { Expansion } from '../../src/streams/expansion.ts';
import { workplace } from '../archives/archive-files.ts';
import { type Built, buildMultiPlatform, json, layerTar } from '../support/images.ts';

const tar = layerTar('content');

async function put(store: ImageStore, { order, blobs }: Built): Promise<void> {
  for (const descriptor of order) {
    await store.write(descriptor, memoryContent(blobs.get(descriptor.digest) ?? new Uint8Array()));
  }
}

/** An image with a single layer, in which a test says what is what. */
function imageOf(
  layerBytes: Uint8Array,
  {
    layerType = mediaTypes.layerGzip as string,
    configType = mediaTypes.config as string,
    diffIds = [digestOf(tar)] as readonly string[],
  } = {},
): Built {
  const layer = describeBytes(layerType, digestOf(layerBytes), layerBytes);
  const configBytes = json({
    ...{ os: 'linux', architecture: 'amd64' },
    rootfs: { type: 'layers', diff_ids: diffIds },
  });
  const config = describeBytes(configType, digestOf(configBytes), configBytes);
  const mediaType = mediaTypes.manifest;
  const bytes = json({ schemaVersion: 2, mediaType, config, layers: [layer] });
  const root = describeBytes(mediaType, digestOf(bytes), bytes);
  return {
    root,
    order: [layer, config, root],
    blobs: new Map([layerBytes, configBytes, bytes].map((blob) => [digestOf(blob), blob])),
  };
}

async function recorded(image: Built): Promise<unknown> {
  await using place = await workplace();
  await put(place.store, image);
  await recordLayers(image.root, { store: place.store });
  const [layer] = image.order;
  return layer && place.store.layer(layer.digest)?.diffSize;
}

describe('recordLayers()', () => {
  test.each([
    ['plain', mediaTypes.layer, tar],
    ['gzip', mediaTypes.layerGzip, Bun.gzipSync(Buffer.from(tar))],
    ['zstd', mediaTypes.layerZstd, Bun.zstdCompressSync(tar)],
    ["Docker's gzip", mediaTypes.dockerLayerGzip, Bun.gzipSync(Buffer.from(tar))],
    ['gzip that is called zstd', mediaTypes.layerZstd, Bun.gzipSync(Buffer.from(tar))],
  ])('remembers a layer that is %s', async (_, layerType, bytes) => {
    expect(await recorded(imageOf(bytes, { layerType }))).toBe(tar.length);
  });

  test('leaves a manifest alone whose config is no image config', async () => {
    const image = imageOf(Buffer.from('data'), { configType: 'application/x-thing' });
    expect(await recorded(image)).toBeUndefined();
  });

  test('leaves a manifest alone that has a layer of another type', async () => {
    const image = imageOf(json({}), { layerType: 'application/vnd.in-toto+json' });
    expect(await recorded(image)).toBeUndefined();
  });

  test('throws for a layer that is another one, and names it', async () => {
    const image = imageOf(Bun.gzipSync(Buffer.from(layerTar('another'))));
    await expect(recorded(image)).rejects.toMatchObject({
      code: 'CONTENT_MISMATCH',
      message: expect.stringContaining(`layer ${image.order[0]?.digest} is not the one`),
    });
  });

  test('throws for a layer that cannot be decompressed', async () => {
    const image = imageOf(Bun.gzipSync(Buffer.from(tar)).subarray(0, -5));
    await expect(recorded(image)).rejects.toMatchObject({ code: 'CONTENT_MISMATCH' });
  });

  test('throws for layers that together become more than they may', async () => {
    await using place = await workplace();
    const zeros = new Uint8Array(400_000);
    const image = imageOf(Bun.gzipSync(zeros), { diffIds: [digestOf(zeros)] });
    await put(place.store, image);
    const check = (bytes: number) =>
      recordLayers(image.root, { store: place.store, expansion: new Expansion({ bytes }) });
    expect(check(300_000)).rejects.toMatchObject({
      code: 'CONTENT_MISMATCH',
      message: expect.stringContaining('is a decompression bomb'),
    });
    await check(500_000);
  });

  test('throws when the config names another number of layers', async () => {
    const image = imageOf(Bun.gzipSync(Buffer.from(tar)), { diffIds: [] });
    await expect(recorded(image)).rejects.toMatchObject({ code: 'DOCUMENT_INVALID' });
  });

  test('throws when a layer that is known has another diff id', async () => {
    await using place = await workplace();
    const bytes = Bun.gzipSync(Buffer.from(tar));
    const other = imageOf(bytes, { diffIds: [digestOf(bytes)] });
    for (const image of [imageOf(bytes), other]) await put(place.store, image);
    await recordLayers(imageOf(bytes).root, place);
    await expect(recordLayers(other.root, place)).rejects.toMatchObject({
      code: 'CONTENT_MISMATCH',
    });
  });

  test('checks of an index what is here and of the platform', async () => {
    await using place = await workplace();
    const { store } = place;
    const index = buildMultiPlatform('linux/amd64', 'linux/arm64', 'linux/s390x');
    await put(store, { ...index, order: index.order.filter((_, i) => i < 6 || i === 9) });
    const [amd64, , , arm64] = index.order;
    const known = (layer?: Descriptor) =>
      layer !== undefined && store.layer(layer.digest) !== undefined;
    await recordLayers(index.root, { store, platform: { os: 'linux', architecture: 'arm64' } });
    expect([known(amd64), known(arm64)]).toEqual([false, true]);
    await recordLayers(index.root, { store });
    expect([known(amd64), known(arm64)]).toEqual([true, true]);
  });
});
