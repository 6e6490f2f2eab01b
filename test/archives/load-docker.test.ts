import { describe, expect, test } from 'bun:test';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { loadArchive } from '../../src/archives/load-archive.ts';
import { type Descriptor, describe as describeBytes } from '../../src/oci/descriptor.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { type Manifest, parseDocument } from '../../src/oci/document.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { formatReference } from '../../src/oci/reference.ts';
import type { ImageStore } from '../../src/store/image-store.ts';
import { inPieces, joined, noise } from '../streams/byte-streams.ts';
import { json, layerTar, layoutFiles } from '../support/images.ts';
import { tarFile } from '../support/tar.ts';
import {
  type DockerArchiveImage,
  dockerConfig,
  dockerMembers,
  workplace,
} from './archive-files.ts';

const platform = { os: 'linux', architecture: 'amd64' };
const now = new Date('2026-01-31T12:00:00Z');
const tars = [layerTar('one', 'a'), layerTar('two', 'b')];

function archiveOf(...images: readonly DockerArchiveImage[]): Uint8Array {
  return tarFile(dockerMembers(images));
}

async function load(store: ImageStore, tar: Uint8Array) {
  return loadArchive({ stream: inPieces(tar, 10_000) }, { store, platform, now });
}

async function bytesOf(store: ImageStore, descriptor: Descriptor): Promise<Buffer> {
  return joined((await store.open(descriptor)).stream());
}

async function manifestOf(store: ImageStore, target: Descriptor): Promise<Manifest> {
  const document = parseDocument(await bytesOf(store, target), { what: 'manifest' });
  if (document.kind !== 'manifest') throw new Error('no manifest');
  return document;
}

describe('loadArchive() of a docker-archive', () => {
  test('makes an OCI image with compressed layers and the same config', async () => {
    await using place = await workplace();
    const { store } = place;
    const [image] = await load(store, archiveOf({ tags: ['example.com/app:1'], layers: tars }));
    if (image === undefined) throw new Error('nothing was loaded');
    expect(formatReference(image.reference)).toBe('example.com/app:1');
    expect(image.target.mediaType).toBe(mediaTypes.manifest);
    const manifest = await manifestOf(store, image.target);
    const config = dockerConfig(tars.map((tar) => digestOf(tar)));
    expect(manifest.config).toEqual(describeBytes(mediaTypes.config, digestOf(config), config));
    expect(await bytesOf(store, manifest.config)).toEqual(Buffer.from(config));
    for (const [i, layer] of manifest.layers.entries()) {
      expect(layer.mediaType).toBe(mediaTypes.layerGzip);
      const tar = tars[i] ?? new Uint8Array();
      expect(gunzipSync(await bytesOf(store, layer)).equals(tar)).toBe(true);
      expect(store.layer(layer.digest)).toEqual({
        ...layer,
        diffId: digestOf(tar),
        diffSize: tar.length,
      });
    }
  });

  test('notes a name that two of its images have', async () => {
    await using place = await workplace();
    const [one, two] = tars.map((tar) => ({ tags: ['app:1'], layers: [tar] }));
    if (one === undefined || two === undefined) throw new Error('two images were made');
    const [first] = await load(place.store, archiveOf(one));
    const images = await load(place.store, archiveOf(one, two));
    expect(images).toHaveLength(1);
    const now = images[0]?.target.digest;
    expect(images[0]?.note).toBe(
      `the archive gives the name app:1 to two images: it is now ${now}, and was ${first?.target.digest}`,
    );
    expect((await load(place.store, archiveOf(one, one)))[0]?.note).toBeUndefined();
  });

  test('calls a layer that is here what its bytes are, whatever it was called before', async () => {
    await using place = await workplace();
    const { store } = place;
    const tar = layerTar('one', 'a');
    const stored = await store.ingest(inPieces(Bun.zstdCompressSync(tar), 1000), {
      mediaType: mediaTypes.layerGzip,
    });
    store.recordLayer({ ...stored, diffId: digestOf(tar), diffSize: tar.length });
    const [image] = await load(store, archiveOf({ layers: [tar] }));
    if (image === undefined) throw new Error('nothing was loaded');
    const { layers } = await manifestOf(store, image.target);
    expect(layers).toEqual([{ ...stored, mediaType: mediaTypes.layerZstd }]);
  });

  test('gives the same digest in another store', async () => {
    const tar = archiveOf({ layers: [layerTar(noise(3_000_000).toString().slice(0, 5_000_000))] });
    const digests = new Set<string>();
    for (let i = 0; i < 2; i++) {
      await using place = await workplace();
      for (const { target } of await load(place.store, tar)) digests.add(target.digest);
    }
    expect(digests.size).toBe(1);
  });

  test('keeps the members of the manifest in their order, so that its digest stays', async () => {
    await using place = await workplace();
    const [image] = await load(place.store, archiveOf({ layers: [] }));
    if (image === undefined) throw new Error('nothing was loaded');
    const config = dockerConfig([]);
    expect((await bytesOf(place.store, image.target)).toString()).toBe(
      `{"schemaVersion":2,"mediaType":"${mediaTypes.manifest}","config":{"mediaType":"${mediaTypes.config}",` +
        `"digest":"${digestOf(config)}","size":${config.length}},"layers":[]}`,
    );
  });

  test('reads several images with several names, and one that has none', async () => {
    await using place = await workplace();
    const [one, two] = tars;
    if (one === undefined || two === undefined) throw new Error('no layers');
    const images = await load(
      place.store,
      archiveOf(
        { tags: ['app:1', 'me/app:2'], layers: [one] },
        { tags: null, layers: [one, two] },
        { tags: ['<none>:<none>'], layers: [two] },
      ),
    );
    const digests = images.map(({ target }) => target.digest);
    expect(images.map(({ reference }) => formatReference(reference))).toEqual([
      'docker.io/library/app:1',
      'docker.io/me/app:2',
      `docker.io/library/import-2026-01-31@${digests[2]}`,
      `docker.io/library/import-2026-01-31@${digests[3]}`,
    ]);
    expect(digests[0] === digests[1]).toBe(true);
    expect(place.store.names()).toHaveLength(4);
  });

  test('stores a layer that comes twice, once through a link, only once', async () => {
    await using place = await workplace();
    const [one] = tars;
    if (one === undefined) throw new Error('no layer');
    const [image] = await load(place.store, archiveOf({ layers: [one, one] }));
    const manifest = image && (await manifestOf(place.store, image.target));
    expect(manifest?.layers).toHaveLength(2);
    expect(new Set(manifest?.layers.map(({ digest }) => digest)).size).toBe(1);
    expect(await readdir(join(place.store.path, 'blobs/sha256'))).toHaveLength(3);
  });

  test('uses any compressed form of a layer that the store has', async () => {
    await using place = await workplace();
    const [one] = tars;
    if (one === undefined) throw new Error('no layer');
    const foreign = Bun.gzipSync(Buffer.from(one), { level: 9 });
    const lease = await place.store.lease();
    const layer = await place.store.ingest(inPieces(foreign, 1000), {
      mediaType: mediaTypes.dockerLayerGzip,
    });
    const { digest, size, mediaType } = layer;
    const diff = { diffId: digestOf(one), diffSize: one.length };
    place.store.recordLayer({ digest, size, mediaType, ...diff });
    const [image] = await load(place.store, archiveOf({ layers: [one] }));
    const manifest = image && (await manifestOf(place.store, image.target));
    expect(manifest?.layers).toEqual([{ mediaType: mediaTypes.layerGzip, digest, size }]);
    await lease[Symbol.asyncDispose]();
  });

  test.each([
    [
      'gzip',
      mediaTypes.layerGzip,
      (tar: Uint8Array) => Bun.gzipSync(Buffer.from(tar), { level: 1 }),
    ],
    ['zstd', mediaTypes.layerZstd, (tar: Uint8Array) => Bun.zstdCompressSync(tar)],
  ])('keeps a layer.tar that is %s already as it is', async (_, mediaType, compress) => {
    await using place = await workplace();
    const stored = tars.map((tar): Uint8Array => compress(tar));
    const [image] = await load(place.store, archiveOf({ layers: tars, stored }));
    const manifest = image && (await manifestOf(place.store, image.target));
    expect(manifest?.layers).toEqual(
      stored.map((bytes) => describeBytes(mediaType, digestOf(bytes), bytes)),
    );
    expect(place.store.layer(digestOf(stored[0] ?? new Uint8Array()))?.diffSize).toBe(
      tars[0]?.length,
    );
  });

  test('loads an image of another platform', async () => {
    await using place = await workplace();
    expect(
      await load(place.store, archiveOf({ layers: tars, architecture: 'arm64' })),
    ).toHaveLength(1);
  });

  test('is the better source when the OCI side beside it has uncompressed layers or none', async () => {
    const members = dockerMembers([{ tags: ['app:1'], layers: tars }]);
    const config = dockerConfig(tars.map((tar) => digestOf(tar)));
    const layer = (tar: Uint8Array) => describeBytes(mediaTypes.layer, digestOf(tar), tar);
    for (const layers of [tars.map(layer), []]) {
      await using place = await workplace();
      const bytes = json({
        schemaVersion: 2,
        mediaType: mediaTypes.manifest,
        config: describeBytes(mediaTypes.config, digestOf(config), config),
        layers,
      });
      const root = describeBytes(mediaTypes.manifest, digestOf(bytes), bytes);
      const blobs = new Map([...tars, config, bytes].map((blob) => [digestOf(blob), blob]));
      const files = layoutFiles(
        { blobs, root, order: [] },
        { 'io.containerd.image.name': 'app:1' },
      );
      const both = [...[...files].map(([name, file]) => ({ name, bytes: file })), ...members];
      const [image] = await load(place.store, tarFile(both));
      const manifest = image && (await manifestOf(place.store, image.target));
      const types = manifest?.layers.map(({ mediaType }) => mediaType);
      expect(types).toEqual([mediaTypes.layerGzip, mediaTypes.layerGzip]);
    }
  });
});

describe('loadArchive() of a bad docker-archive leaves the store as it was', () => {
  const members = dockerMembers([{ layers: tars }]);
  const changed = (name: RegExp, bytes: Uint8Array) =>
    tarFile(members.map((member) => (name.test(member.name) ? { ...member, bytes } : member)));
  const other = digestOf(layerTar('another'));
  const wrong = tars.map(() => other);

  test.each([
    [
      'layers that are not those of the config',
      archiveOf({ layers: tars, diffIds: wrong }),
      'CONTENT_MISMATCH',
      'layer "image0-layer0/layer.tar"',
    ],
    [
      'compressed layers that are not those of the config',
      archiveOf({
        layers: tars,
        diffIds: wrong,
        stored: tars.map((tar) => Bun.zstdCompressSync(tar)),
      }),
      'CONTENT_MISMATCH',
      'layer "image0-layer0/layer.tar"',
    ],
    [
      'a second image that is bad',
      archiveOf({ layers: tars }, { tags: ['b:1'], layers: [layerTar('x')], diffIds: [other] }),
      'CONTENT_MISMATCH',
      'layer "image1-layer0/layer.tar"',
    ],
    [
      'too few layers',
      archiveOf({ layers: tars, diffIds: [other] }),
      'ARCHIVE_INVALID',
      'lists 2 layers',
    ],
    [
      'a layer that is not there',
      tarFile(members.filter(({ name }) => !name.startsWith('image0-layer1'))),
      'ARCHIVE_INVALID',
      'does not hold "image0-layer1/layer.tar"',
    ],
    [
      'a damaged config',
      changed(/^[0-9a-f]{64}\.json$/, dockerConfig([])),
      'CONTENT_MISMATCH',
      'the digest in its name',
    ],
    [
      'a manifest.json that is no JSON',
      changed(/^manifest/, Buffer.from('[')),
      'DOCUMENT_INVALID',
      'is not JSON',
    ],
    [
      'a manifest.json that is no list',
      changed(/^manifest/, json({})),
      'ARCHIVE_INVALID',
      'not a list',
    ],
    [
      'a manifest.json with an image that is none',
      changed(/^manifest/, json([{ Layers: [7] }])),
      'ARCHIVE_INVALID',
      'image 1 of',
    ],
    [
      'a manifest.json without images',
      changed(/^manifest/, json([])),
      'ARCHIVE_INVALID',
      'holds no image',
    ],
    [
      'a manifest.json with a key that comes twice',
      changed(/^manifest/, Buffer.from('[{"Config":"a","Config":"b"}]')),
      'DOCUMENT_INVALID',
      'has the member "Config" twice',
    ],
    [
      'a manifest.json with too many names',
      changed(/^manifest/, json([{ Config: 'a', RepoTags: Array(10_000).fill('a') }])),
      'ARCHIVE_INVALID',
      'more than 10000 images and names',
    ],
    [
      'a manifest.json with too many layers',
      changed(/^manifest/, json(Array(11).fill({ Config: 'a', Layers: Array(10_000).fill('l') }))),
      'ARCHIVE_INVALID',
      'more than 100000 layers',
    ],
    [
      'a manifest.json of more than 4 MiB',
      changed(/^manifest/, noise(4_200_000)),
      'ARCHIVE_INVALID',
      'larger than 4 MiB',
    ],
    [
      'other files',
      tarFile([{ name: 'a', bytes: 'x' }]),
      'ARCHIVE_INVALID',
      'is not an image archive',
    ],
    [
      'what docker saved before 1.10',
      tarFile([
        { name: 'abc/VERSION', bytes: '1.0' },
        { name: 'abc/json', bytes: '{"id":"abc"}' },
        { name: 'repositories', bytes: '{"app":{"1":"abc"}}' },
      ]),
      'ARCHIVE_INVALID',
      'is of a docker before 1.10',
    ],
  ])('for %s', async (_, tar, code, message) => {
    await using place = await workplace();
    const { store } = place;
    await expect(load(store, tar)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
    expect(store.names()).toEqual([]);
    expect(await readdir(join(store.path, 'blobs/sha256'))).toEqual([]);
    expect(await readdir(join(store.path, 'ingest'))).toEqual([]);
  });

  test('for an interrupt in the middle of a layer', async () => {
    await using place = await workplace();
    const { store } = place;
    const controller = new AbortController();
    const path = await place.file('a.tar', archiveOf({ layers: [noise(5_000_000)] }));
    const loading = loadArchive(
      { path },
      {
        ...{ store, platform, now, signal: controller.signal },
        onEvent: ({ kind }) => {
          if (kind === 'progress') controller.abort(new Error('interrupted'));
        },
      },
    );
    await expect(loading).rejects.toThrow('interrupted');
    expect(await readdir(join(store.path, 'blobs/sha256'))).toEqual([]);
    expect(await readdir(join(store.path, 'ingest'))).toEqual([]);
  });
});
