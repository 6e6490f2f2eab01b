import { describe, expect, test } from 'bun:test';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { loadArchive } from '../../src/archives/load-archive.ts';
import type { ArchiveInput } from '../../src/archives/open-archive.ts';
import { type Descriptor, describe as describeBytes } from '../../src/oci/descriptor.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { formatReference } from '../../src/oci/reference.ts';
import { inPieces } from '../streams/byte-streams.ts';
import {
  type Built,
  buildImage,
  buildIndex,
  buildMultiPlatform,
  json,
  layerTar,
  layoutFiles,
} from '../support/images.ts';
import { tarOf, type Workplace, workplace, writeFolder } from './archive-files.ts';

const REF = 'org.opencontainers.image.ref.name';
const platform = { os: 'linux', architecture: 'amd64' };
const now = new Date('2026-01-31T12:00:00Z');

async function load({ store }: Workplace, input: ArchiveInput): Promise<readonly string[]> {
  const images = await loadArchive(input, { store, platform, now });
  return images.map(
    ({ reference, target }) => `${formatReference(reference)} ${target.digest.slice(0, 15)}`,
  );
}

function loaded(name: string, { digest }: Descriptor): string {
  return `${name} ${digest.slice(0, 15)}`;
}

/** The blobs and the names in a store. */
async function stateOf({ store }: Workplace) {
  return {
    blobs: (await readdir(join(store.path, 'blobs/sha256'))).sort(),
    ingest: await readdir(join(store.path, 'ingest')),
    names: store.names().map(({ name, target }) => `${name} ${target.digest}`),
  };
}

/** A layout with an `index.json` of the test's own. */
function layoutOf(images: readonly Built[], manifests: readonly object[]): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (const image of images) for (const file of layoutFiles(image)) files.set(...file);
  return files.set('index.json', json({ schemaVersion: 2, manifests }));
}

/** An image in `depth` indexes, one in the other. */
function inIndexes(depth: number): Built {
  let built = buildImage();
  for (let i = 0; i < depth; i += 1) built = buildIndex([{ image: built }]);
  return built;
}

describe('loadArchive() of an OCI image layout', () => {
  const image = buildImage();
  const files = layoutFiles(image, { [REF]: 'example.com/app:1' });
  const tar = tarOf(files);

  test('reads a folder, a tar file, gzip, zstd and a stream alike', async () => {
    await using place = await workplace();
    const inputs: ArchiveInput[] = [
      { path: await writeFolder(join(place.path, 'layout'), files) },
      { path: await place.file('a.tar', tar) },
      { path: await place.file('a.tar.gz', Bun.gzipSync(Buffer.from(tar))) },
      { path: await place.file('a.tar.zst', Bun.zstdCompressSync(tar)) },
      { stream: inPieces(Bun.gzipSync(Buffer.from(tar)), 1000) },
    ];
    for (const input of inputs) {
      await using own = await workplace();
      expect(await load(own, input)).toEqual([loaded('example.com/app:1', image.root)]);
      expect(own.store.name('example.com/app:1')?.target).toEqual(image.root);
      for (const descriptor of image.order) expect(await own.store.has(descriptor)).toBe(true);
      expect((await stateOf(own)).ingest).toEqual([]);
    }
  });

  test('remembers what the layers of this platform are uncompressed', async () => {
    await using place = await workplace();
    const tars = [layerTar('one'), layerTar('two', 'second')];
    const two = buildImage({ layers: tars });
    await load(place, { path: await place.file('a.tar', tarOf(layoutFiles(two))) });
    for (const [i, plain] of tars.entries()) {
      expect(place.store.layersByDiffId(digestOf(plain))[0]).toMatchObject({
        digest: two.order[i]?.digest,
        diffSize: plain.length,
        mediaType: mediaTypes.layerGzip,
      });
    }
  });

  test('keeps every platform and the attestations of a multi-platform image', async () => {
    await using place = await workplace();
    const attestation = buildImage({ layers: [] });
    const index = buildIndex([
      { image: buildImage(), platform },
      { image: buildImage({ platform: { os: 'linux', architecture: 'arm64' } }) },
      { image: attestation, platform: { os: 'unknown', architecture: 'unknown' } },
    ]);
    const path = await place.file('a.tar', tarOf(layoutFiles(index, { [REF]: 'app:2' })));
    expect(await load(place, { path })).toEqual([loaded('docker.io/library/app:2', index.root)]);
    for (const descriptor of index.order) expect(await place.store.has(descriptor)).toBe(true);
  });

  test('names images in the order of index.json, and lets the later of one name win', async () => {
    await using place = await workplace();
    const other = buildImage({ labels: { other: 'yes' } });
    const entry = ({ root }: Built, name?: string) => ({
      ...root,
      ...(name !== undefined && { annotations: { [REF]: name } }),
    });
    const manifests = [
      entry(image, 'app:1'),
      entry(other, '7'),
      entry(other),
      entry(other, 'app:1'),
    ];
    const path = await place.file('a.tar', tarOf(layoutOf([image, other], manifests)));
    expect(await load(place, { path })).toEqual([
      loaded('docker.io/library/import-2026-01-31:7', other.root),
      loaded(`docker.io/library/import-2026-01-31@${other.root.digest}`, other.root),
      loaded('docker.io/library/app:1', other.root),
    ]);
  });

  test('leaves content of unknown types alone', async () => {
    await using place = await workplace();
    const unknown = { mediaType: 'application/x-new', digest: image.root.digest, size: 3 };
    const path = await place.file('a.tar', tarOf(layoutOf([image], [unknown, image.root])));
    expect(await load(place, { path })).toHaveLength(1);
  });

  test('keeps an artifact whose layer is no tar', async () => {
    await using place = await workplace();
    const bytes = json({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      artifactType: 'application/x-thing',
      config: { mediaType: mediaTypes.empty, digest: digestOf(json({})), size: 2 },
      layers: [{ mediaType: 'application/x-thing', digest: digestOf(json({})), size: 2 }],
    });
    const root = describeBytes(mediaTypes.manifest, digestOf(bytes), bytes);
    const blobs = new Map([
      [digestOf(json({})), json({})],
      [root.digest, bytes],
    ]);
    const files = layoutFiles({ blobs, root, order: [] }, { [REF]: 'thing:1' });
    const path = await place.file('a.tar', tarOf(files));
    expect(await load(place, { path })).toEqual([loaded('docker.io/library/thing:1', root)]);
  });

  test('keeps the index of a sparse layout whole, and copies the platforms that are there', async () => {
    await using place = await workplace();
    const index = buildMultiPlatform('linux/amd64', 'linux/arm64', 'linux/s390x');
    const sparse = new Map(layoutFiles(index, { [REF]: 'app:1' }));
    const [, , , armLayer, , armManifest, , , s390x] = index.order;
    for (const gone of [armLayer, s390x]) {
      sparse.delete(`blobs/${gone?.digest.replace(':', '/')}`);
    }
    await load(place, { path: await place.file('a.tar', tarOf(sparse)) });
    expect(place.store.name('docker.io/library/app:1')?.target).toEqual(index.root);
    expect(armManifest && (await place.store.has(armManifest))).toBe(false);
    expect((await stateOf(place)).blobs).toHaveLength(4);
  });

  test('accepts a layer that may not be distributed and is not there', async () => {
    await using place = await workplace();
    const foreign = {
      mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
      digest: digestOf(Buffer.from('elsewhere')),
      size: 9,
    };
    const config = json({
      ...platform,
      rootfs: { type: 'layers', diff_ids: [digestOf(Buffer.from('plain'))] },
    });
    const bytes = json({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config: describeBytes(mediaTypes.config, digestOf(config), config),
      layers: [foreign],
    });
    const root = describeBytes(mediaTypes.manifest, digestOf(bytes), bytes);
    const blobs = new Map([
      [digestOf(config), config],
      [root.digest, bytes],
    ]);
    const path = await place.file('a.tar', tarOf(layoutFiles({ blobs, root, order: [] })));
    expect(await load(place, { path })).toHaveLength(1);
  });

  test('tells what is read through events', async () => {
    await using place = await workplace();
    const path = await place.file('a.tar', tar);
    const kinds = new Map<string, string[]>();
    let bytes = 0;
    const options = { store: place.store, platform, now };
    const onEvent: Parameters<typeof loadArchive>[1]['onEvent'] = (event) => {
      if (event.kind === 'progress') bytes += event.bytes;
      else kinds.set(event.kind, [...(kinds.get(event.kind) ?? []), event.descriptor.digest]);
    };
    await loadArchive({ path }, { ...options, onEvent });
    const [layer, config] = image.order;
    const root = image.root.digest;
    const blobs = [config?.digest ?? '', layer?.digest ?? ''];
    expect(kinds.get('found')).toEqual([root, ...blobs]);
    expect(kinds.get('started')).toEqual([...blobs, root]);
    expect(kinds.get('done')?.at(-1)).toBe(root);
    expect(kinds.get('done')?.toSorted()).toEqual([root, ...blobs].toSorted());
    expect(bytes).toBe((layer?.size ?? 0) + (config?.size ?? 0) + image.root.size);
    kinds.clear();
    await loadArchive({ path }, { ...options, onEvent });
    expect(Object.fromEntries(kinds)).toEqual({ found: [root], exists: [root] });
  });
});

describe('loadArchive() of a bad layout leaves the store as it was', () => {
  const image = buildImage();
  const [layer] = image.order;
  const blob = (descriptor?: Descriptor) => `blobs/${descriptor?.digest.replace(':', '/')}`;
  const good = () => new Map(layoutFiles(image, { [REF]: 'bad:1' }));
  const without = (path: string) => {
    const files = good();
    files.delete(path);
    return files;
  };
  const lying = buildImage({ labels: { lying: 'yes' } });
  const otherLayer = Bun.gzipSync(Buffer.from(layerTar('another content')));

  test.each([
    [
      'a missing layer',
      without(blob(layer)),
      { code: 'CONTENT_MISSING', message: expect.stringContaining(layer?.digest ?? '') },
    ],
    ['a missing index.json', without('index.json'), { code: 'ARCHIVE_INVALID' }],
    ['no oci-layout', without('oci-layout'), { code: 'ARCHIVE_INVALID' }],
    [
      'another version',
      good().set('oci-layout', json({ imageLayoutVersion: '2.0.0' })),
      { code: 'ARCHIVE_INVALID' },
    ],
    [
      'an index.json that is no JSON',
      good().set('index.json', Buffer.from('{')),
      { code: 'DOCUMENT_INVALID' },
    ],
    ['no image', layoutOf([], []), { code: 'ARCHIVE_INVALID' }],
    [
      'nothing but manifests of schema 1',
      layoutOf([image], [{ ...image.root, mediaType: mediaTypes.dockerSchema1Signed }]),
      {
        code: 'DOCUMENT_INVALID',
        message: expect.stringContaining('is a Docker schema 1 manifest, which is not supported'),
        hint: expect.stringContaining('a current tool'),
      },
    ],
    [
      '33 indexes that lie in one another',
      layoutFiles(inIndexes(33)),
      { code: 'DOCUMENT_INVALID', message: expect.stringContaining('more than 32 indexes') },
    ],
    [
      'a layer with other bytes',
      good().set(blob(layer), new Uint8Array(layer?.size ?? 0)),
      { code: 'CONTENT_MISMATCH' },
    ],
    [
      'a manifest with other bytes',
      good().set(blob(image.root), json({ schemaVersion: 2 })),
      { code: 'CONTENT_MISMATCH' },
    ],
    [
      'a second image that is bad',
      layoutOf([image], [image.root, lying.root]),
      { code: 'CONTENT_MISSING' },
    ],
  ])('for %s', async (_, files, error) => {
    await using place = await workplace();
    const kept = tarOf(
      layoutFiles(buildImage({ layers: [layerTar('kept')] }), { [REF]: 'kept:1' }),
    );
    await load(place, { path: await place.file('kept.tar', kept) });
    const before = await stateOf(place);
    const path = await place.file('bad.tar.gz', Bun.gzipSync(Buffer.from(tarOf(files))));
    await expect(load(place, { path })).rejects.toMatchObject(error);
    expect(await stateOf(place)).toEqual(before);
  });

  test('for a layer that is not the one that the config names', async () => {
    await using place = await workplace();
    const blobs = new Map(image.blobs);
    const digest = digestOf(otherLayer);
    blobs.set(digest, otherLayer);
    const bytes = json({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config: image.order[1],
      layers: [{ mediaType: mediaTypes.layerGzip, digest, size: otherLayer.length }],
    });
    const root = describeBytes(mediaTypes.manifest, digestOf(bytes), bytes);
    blobs.set(root.digest, bytes);
    const before = await stateOf(place);
    const path = await place.file('bad.tar', tarOf(layoutFiles({ blobs, root, order: [] })));
    await expect(load(place, { path })).rejects.toMatchObject({
      code: 'CONTENT_MISMATCH',
      message: expect.stringContaining(`layer ${digest} is not the one`),
    });
    expect(await stateOf(place)).toEqual(before);
  });
});
