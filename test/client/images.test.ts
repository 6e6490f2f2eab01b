import { describe, expect, test } from 'bun:test';
import { describe as describeBytes } from '../../src/oci/descriptor.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { layerOf } from '../support/content-store-contract.ts';
import {
  type Built,
  buildImage,
  buildIndex,
  buildMultiPlatform,
  json,
  layerTar,
} from '../support/images.ts';
import { expectPushed, push } from './pushing.ts';
import { BODY, expectOneWriter } from './sending.ts';

const layers = ['one', 'two', 'three'].map((name) => layerTar(name.repeat(50_000), name));
const image = buildImage({ layers });
const UPLOADS = /^POST /;

/** How many blobs an image has, with its configs, each once. */
const blobCount = ({ order }: Built) =>
  new Set(
    order.filter(({ mediaType }) => !/manifest|index/.test(mediaType)).map(({ digest }) => digest),
  ).size;

test('a new image goes up with at most three requests a blob, its manifest last, as it is', async () => {
  await using pushed = await push(image);
  expectPushed(pushed);
  expectOneWriter(pushed.registry);
  const { registry } = pushed;
  expect(registry.count(UPLOADS)).toBe(4);
  expect(registry.count(BODY)).toBe(4);
  // The login, the tag, each blob three times, the manifest.
  expect(registry.log.length).toBeLessThanOrEqual(1 + 1 + 4 * 3 + 1);
  expect(registry.lines().at(-1)).toBe('PUT /v2/app/manifests/1');
  const sizes = image.order.slice(0, -1).map(({ size }) => size);
  expect(registry.bodyBytes('PUT /v2/app/blobs')).toBe(sizes.reduce((sum, size) => sum + size, 0));
});

test('an image that is there costs at most two requests and no bytes', async () => {
  await using pushed = await push(image);
  await using again = await push(image, { state: pushed.registry.state });
  expectPushed(again);
  expect(again.registry.log.length).toBeLessThanOrEqual(2);
  expect(again.registry.bodyBytes()).toBe(0);
});

test('of an image in which one layer is new only that goes up', async () => {
  await using pushed = await push(image);
  const changed = buildImage({ layers: [...layers.slice(0, 2), layerTar('another', 'four')] });
  // Another process, which knows nothing of the first.
  await using again = await push(changed, { state: pushed.registry.state });
  expectPushed(again);
  // The layer, and the config that names it.
  expect(again.registry.count(BODY)).toBe(2);
});

test('a blob that an image, or an index, names many times goes up once', async () => {
  const [layer = layerTar('x')] = layers;
  const twice = buildImage({
    layers: [layer, layer],
    platform: { os: 'linux', architecture: 'arm64' },
  });
  const index = buildIndex([{ image: buildImage({ layers: [layer] }) }, { image: twice }]);
  await using pushed = await push(index);
  expectPushed(pushed);
  expect(pushed.registry.count(UPLOADS)).toBe(blobCount(index));
  expect(pushed.registry.count(BODY)).toBe(blobCount(index));
});

test('an index in an index goes up from below, its members by digest alone', async () => {
  const inner = buildMultiPlatform('linux/amd64', 'linux/arm64');
  const outer = buildIndex([{ image: inner }, { image: buildMultiPlatform('linux/riscv64') }]);
  await using pushed = await push(outer);
  expectPushed(pushed);
  const puts = pushed.registry
    .lines('PUT /v2/app/manifests/')
    .map((line) => line.split('/').at(-1) ?? '');
  expect(puts.at(-1)).toBe('1');
  expect(puts.slice(0, -1).every((reference) => reference.startsWith('sha256:'))).toBe(true);
  // distribution refuses an index whose members are not there: that it is whole says that they came before.
  expect(puts).toHaveLength(6);
});

describe('what is kept elsewhere', () => {
  const foreign = (() => {
    const layer = layerOf(1000);
    const config = json({
      os: 'linux',
      architecture: 'amd64',
      rootfs: { type: 'layers', diff_ids: [digestOf(layer.bytes)] },
    });
    const configOf = describeBytes(mediaTypes.config, digestOf(config), config);
    const layerAt = {
      ...layer.descriptor,
      mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
      urls: ['http://127.0.0.1:1/layer'],
    };
    const manifest = json({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config: configOf,
      layers: [layerAt],
    });
    const root = describeBytes(mediaTypes.manifest, digestOf(manifest), manifest);
    const blobs = new Map([
      [configOf.digest, config],
      [root.digest, manifest],
    ]);
    return { root, blobs, order: [configOf, root] } satisfies Built;
  })();

  test('is not sent, nor asked for', async () => {
    await using pushed = await push(foreign);
    expectPushed(pushed);
    expect(pushed.registry.count(UPLOADS)).toBe(1);
  });
});

test('an image of Docker goes up as it is, and keeps its digest', async () => {
  const built = buildImage({ docker: true, layers });
  await using pushed = await push(built);
  expectPushed(pushed);
  const put = pushed.registry.log.find(({ line }) => line === 'PUT /v2/app/manifests/1');
  expect(put?.headers['content-type']).toBe('application/vnd.docker.distribution.manifest.v2+json');
});

test('an image of 1,000 layers goes up with two requests a blob', async () => {
  const many = buildImage({
    layers: Array.from({ length: 1000 }, (_, i) => layerTar(`layer ${i}`, `file-${i}`)),
  });
  await using pushed = await push(many);
  expectPushed(pushed);
  expect(pushed.registry.log.length).toBeLessThanOrEqual(2 * 1001 + 4);
  expect(pushed.registry.bodyBytes()).toBe(many.order.reduce((sum, { size }) => sum + size, 0));
});

test('an index of 1,000 manifests goes up with at most three requests a blob', async () => {
  const shared = layerTar('shared');
  const index = buildIndex(
    Array.from({ length: 1000 }, (_, i) => ({
      image: buildImage({ layers: [shared], labels: { number: String(i) } }),
    })),
  );
  await using pushed = await push(index);
  expectPushed(pushed);
  // A thousand configs and the one layer, a thousand manifests, and the index.
  expect(pushed.registry.count(BODY)).toBe(1001);
  expect(pushed.registry.log.length).toBeLessThanOrEqual(3 * 1001 + 2 * 1000 + 3);
});

test('no more than six requests of a push wait for one another', async () => {
  // Each answer is late: who asks before one came did not wait for it.
  const ms = 100;
  // Large enough to be asked for before they are sent.
  const built = buildImage({
    layers: [1, 2, 3, 4].map((seed) => layerOf(100_000, seed).bytes),
  });
  await using pushed = await push(built, { faults: [{ on: /./, does: 'wait', ms }] });
  expectPushed(pushed);
  const depths: { readonly answered: number; readonly depth: number }[] = [];
  for (const { at } of pushed.registry.log.toSorted((a, b) => a.at - b.at)) {
    const before = depths.filter(({ answered }) => answered <= at).map(({ depth }) => depth);
    depths.push({ answered: at + ms, depth: 1 + Math.max(0, ...before) });
  }
  // Tag, manifest, looks side by side, POST, PUT, manifest.
  expect(Math.max(...depths.map(({ depth }) => depth))).toBeLessThanOrEqual(6);
});
