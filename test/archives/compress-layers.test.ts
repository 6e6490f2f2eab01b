import { describe, expect, test } from 'bun:test';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { type LoadedImage, loadArchive } from '../../src/archives/load-archive.ts';
import type { WantedCompression } from '../../src/archives/store-layer.ts';
import type { CopyEvent } from '../../src/copy/events.ts';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { type Index, type Manifest, parseDocument } from '../../src/oci/document.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import type { ImageStore } from '../../src/store/image-store.ts';
import { inPieces, joined, noise } from '../streams/byte-streams.ts';
import { buildImage, buildIndex, json, layerTar, layoutFiles } from '../support/images.ts';
import { tarFile } from '../support/tar.ts';
import { type DockerArchiveImage, dockerMembers, tarOf, workplace } from './archive-files.ts';

const platform = { os: 'linux', architecture: 'amd64' };
const now = new Date('2026-01-31T12:00:00Z');
/** The second takes the threads several blocks. */
const tars = [layerTar('one', 'a'), layerTar(noise(700_000, 3).toHex(), 'b')];

interface Asked {
  readonly compression?: WantedCompression;
  readonly onEvent?: (event: CopyEvent) => void;
}

async function load(store: ImageStore, tar: Uint8Array, asked: Asked = {}): Promise<LoadedImage> {
  const input = { stream: inPieces(tar, 100_000) };
  const [image] = await loadArchive(input, { store, platform, now, ...asked });
  if (image === undefined) throw new Error('nothing was loaded');
  return image;
}

function dockerArchive(...images: readonly DockerArchiveImage[]): Uint8Array {
  return tarFile(dockerMembers(images));
}

async function bytesOf(store: ImageStore, descriptor: Descriptor): Promise<Buffer> {
  return await joined((await store.open(descriptor)).stream());
}

async function manifestOf(store: ImageStore, target: Descriptor): Promise<Manifest> {
  const document = parseDocument(await bytesOf(store, target), { what: 'manifest' });
  if (document.kind !== 'manifest') throw new Error('no manifest');
  return document;
}

async function indexOf(store: ImageStore, target: Descriptor): Promise<Index> {
  const document = parseDocument(await bytesOf(store, target), { what: 'index' });
  if (document.kind !== 'index') throw new Error('no index');
  return document;
}

/** Expects layers of this type that are `plain` when they are decompressed, and are known to be. */
async function expectLayers(
  store: ImageStore,
  { layers }: Pick<Manifest, 'layers'>,
  { mediaType, plain = tars }: { mediaType: string; plain?: readonly Uint8Array[] },
): Promise<void> {
  expect(layers).toHaveLength(plain.length);
  const decode = mediaType === mediaTypes.layerZstd ? zstdDecompressSync : gunzipSync;
  for (const [i, tar] of plain.entries()) {
    const layer = layers[i];
    if (layer === undefined) continue;
    expect(layer.mediaType).toBe(mediaType);
    expect(decode(await bytesOf(store, layer)).equals(tar)).toBe(true);
    expect(store.layer(layer.digest)?.diffId).toBe(digestOf(tar));
  }
}

describe('loadArchive() of a docker-archive that is to be compressed in a way', () => {
  test.each([
    [{ form: 'zstd' }, mediaTypes.layerZstd],
    [{ form: 'zstd', level: 7 }, mediaTypes.layerZstd],
    [{ form: 'gzip', level: 9 }, mediaTypes.layerGzip],
  ] as const)('makes an OCI image with such layers: %o', async (compression, mediaType) => {
    await using place = await workplace();
    const { target } = await load(place.store, dockerArchive({ layers: tars }), { compression });
    expect(target.mediaType).toBe(mediaTypes.manifest);
    await expectLayers(place.store, await manifestOf(place.store, target), { mediaType });
  });

  test('compresses a layer that is here in another form once more, and reuses it after that', async () => {
    await using place = await workplace();
    const archive = dockerArchive({ layers: tars });
    const compression = { form: 'zstd' } as const;
    const first = await load(place.store, archive);
    const { target } = await load(place.store, archive, { compression });
    expect(target.digest === first.target.digest).toBe(false);
    const kinds = new Set<string>();
    const onEvent = ({ kind }: CopyEvent) => void kinds.add(kind);
    const again = await load(place.store, archive, { compression, onEvent });
    expect(again.target).toEqual(target);
    expect([...kinds]).toEqual(['found', 'exists']);
    expect((await load(place.store, archive)).target).toEqual(target);
  });

  test('compresses with a level that is asked for, whatever is here', async () => {
    await using place = await workplace();
    const archive = dockerArchive({ layers: tars });
    const usual = await load(place.store, archive);
    const best = await load(place.store, archive, { compression: { form: 'gzip', level: 12 } });
    const [a, b] = [usual, best].map(({ target }) => target.digest);
    expect(a === b).toBe(false);
  });

  test('keeps a layer that has the form already, and makes it anew for another form or a level', async () => {
    const stored = tars.map((tar) => Bun.gzipSync(Buffer.from(tar), { level: 6 }));
    const archive = dockerArchive({ layers: tars, stored });
    for (const [compression, isKept] of [
      [undefined, true],
      [{ form: 'gzip' }, true],
      [{ form: 'gzip', level: 6 }, false],
      [{ form: 'zstd' }, false],
    ] as const) {
      await using place = await workplace();
      const { target } = await load(place.store, archive, compression && { compression });
      const manifest = await manifestOf(place.store, target);
      const mediaType = compression?.form === 'zstd' ? mediaTypes.layerZstd : mediaTypes.layerGzip;
      await expectLayers(place.store, manifest, { mediaType });
      const same = manifest.layers.map(
        ({ digest }, i) => digest === digestOf(stored[i] ?? new Uint8Array()),
      );
      expect(same).toEqual([isKept, isKept]);
    }
  });

  test.each([undefined, { form: 'zstd' }] as const)(
    'leaves nothing behind when one of many layers is another than its name: %o',
    async (compression) => {
      await using place = await workplace();
      const layers = Array.from({ length: 12 }, (_, i) =>
        layerTar(noise(300_000, i).toHex(), `${i}`),
      );
      const stored = layers.map((layer, i) => (i === 7 ? layerTar('wrong') : layer));
      const archive = dockerArchive({ layers, stored });
      const loaded = load(place.store, archive, compression && { compression });
      await expect(loaded).rejects.toMatchObject({ code: 'CONTENT_MISMATCH' });
      expect(place.store.names()).toEqual([]);
      expect(place.store.layersByDiffId(digestOf(layers[7] ?? new Uint8Array()))).toEqual([]);
      expect(await readdir(join(place.store.path, 'ingest')).catch(() => [])).toEqual([]);
      await place.store.collect();
      expect((await place.store.inspect()).blobs).toBe(0);
    },
  );

  test('stops between its layers when its signal fires', async () => {
    await using place = await workplace();
    const layers = Array.from({ length: 6 }, (_, i) => layerTar(noise(300_000, i).toHex(), `${i}`));
    const controller = new AbortController();
    const onEvent = ({ kind }: CopyEvent) => {
      if (kind === 'done') controller.abort(new Error('enough'));
    };
    const input = { stream: inPieces(dockerArchive({ layers }), 100_000) };
    const { signal } = controller;
    const loaded = loadArchive(input, { store: place.store, platform, now, onEvent, signal });
    await expect(loaded).rejects.toThrow('enough');
    expect(await readdir(join(place.store.path, 'ingest')).catch(() => [])).toEqual([]);
  });
});

describe('loadArchive() of an OCI layout that is to be compressed in a way', () => {
  const compression = { form: 'zstd' } as const;

  test('makes new manifests and a new index, which keep what else they said', async () => {
    const arm = { os: 'linux', architecture: 'arm64' };
    const annotations = { 'org.example.kept': 'yes' };
    const images = [
      { image: buildImage({ layers: tars, annotations }), platform },
      {
        image: buildImage({ layers: [layerTar('arm')], platform: arm, docker: true }),
        platform: arm,
      },
    ];
    const subject = images[0]?.image.root.digest ?? '';
    const about = {
      'vnd.docker.reference.type': 'attestation-manifest',
      'vnd.docker.reference.digest': subject,
    };
    const attestation = buildImage({ layers: [], labels: { is: 'attestation' } });
    const built = buildIndex([...images, { image: attestation, annotations: about }]);
    const archive = tarOf(layoutFiles(built, { 'org.opencontainers.image.ref.name': 'app:1' }));
    await using place = await workplace();
    const { target } = await load(place.store, archive, { compression });
    const [first, second, third] = (await indexOf(place.store, target)).manifests;
    if (!first || !second || !third) throw new Error('three members were made');
    expect([first.platform, second.platform]).toEqual([platform, arm]);
    expect(third).toMatchObject({
      digest: attestation.root.digest,
      annotations: { ...about, 'vnd.docker.reference.digest': first.digest },
    });
    const mediaType = mediaTypes.layerZstd;
    await expectLayers(place.store, await manifestOf(place.store, first), { mediaType });
    expect(JSON.parse((await bytesOf(place.store, first)).toString())).toMatchObject({
      annotations,
    });
    expect(second.mediaType).toBe(mediaTypes.manifest);
    const arms = await manifestOf(place.store, second);
    expect(arms.config.mediaType).toBe(mediaTypes.config);
    await expectLayers(place.store, arms, { mediaType, plain: [layerTar('arm')] });
    expect((await load(place.store, archive, { compression })).target).toEqual(target);
  });

  test('copies it as it is when it has that form already, or no layers that are tars', async () => {
    await using place = await workplace();
    const image = buildImage({ layers: tars });
    const name = { 'org.opencontainers.image.ref.name': 'app:1' };
    const asked = { compression: { form: 'gzip' } } as const;
    const { target } = await load(place.store, tarOf(layoutFiles(image, name)), asked);
    expect(target).toMatchObject(image.root);
    const [layer, config] = [json({ any: 'thing' }), json({})];
    const described = (mediaType: string, bytes: Uint8Array) => ({
      ...{ mediaType, digest: digestOf(bytes), size: bytes.length },
    });
    const manifest = json({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config: described(mediaTypes.empty, config),
      layers: [described('application/x-chart', layer)],
    });
    const root = described(mediaTypes.manifest, manifest);
    const blobs = new Map([layer, config, manifest].map((bytes) => [digestOf(bytes), bytes]));
    const chart = tarOf(layoutFiles({ root, blobs, order: [root] }, name));
    expect((await load(place.store, chart, { compression })).target.digest).toBe(root.digest);
  });

  test('refuses a layer that is another than its config names', async () => {
    await using place = await workplace();
    const image = buildImage({ layers: [layerTar('one')] });
    const [layer] = image.order;
    const other = Bun.gzipSync(Buffer.from(layerTar('two')));
    const blobs = new Map([...image.blobs, [layer?.digest ?? '', other] as never]);
    const archive = tarOf(layoutFiles({ ...image, blobs }));
    const loaded = load(place.store, archive, { compression });
    await expect(loaded).rejects.toMatchObject({ code: 'CONTENT_MISMATCH' });
    await place.store.collect();
    expect((await place.store.inspect()).blobs).toBe(0);
  });
});
