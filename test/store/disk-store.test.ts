import { expect, test } from 'bun:test';
import { chmod, readdir, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { memoryContent } from '../../src/content.ts';
import { type Descriptor, describe as describeBytes } from '../../src/oci/descriptor.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import {
  describeContentStore,
  inPieces,
  layerOf,
  readStream,
  writeAll,
} from '../support/content-store-contract.ts';
import { buildImage, json } from '../support/images.ts';
import { filesIn, makeTestStore } from './store-under-test.ts';

describeContentStore('the disk store', makeTestStore);

const blobPath = (path: string, { digest }: Descriptor) =>
  join(path, 'blobs', digest.replace(':', '/'));

test('a blob is a read-only file of an OCI image layout, and nothing is left in the ingest folder', async () => {
  await using made = await makeTestStore();
  const { descriptor, bytes } = layerOf(1000);
  await made.store.write(descriptor, memoryContent(bytes));
  expect((await stat(blobPath(made.path, descriptor))).mode & 0o777).toBe(0o444);
  expect(await Bun.file(join(made.path, 'oci-layout')).json()).toEqual({
    imageLayoutVersion: '1.0.0',
  });
  expect(await filesIn(made.path, 'ingest')).toEqual([]);
  const content = await made.store.open(descriptor);
  expect(content.file).toEqual({ path: blobPath(made.path, descriptor), offset: 0 });
});

test('what was refused leaves no file behind', async () => {
  await using made = await makeTestStore();
  const { descriptor, bytes } = layerOf(1000);
  const content = memoryContent(bytes.map((byte) => byte ^ 1));
  await expect(made.store.write(descriptor, content)).rejects.toMatchObject({
    code: 'CONTENT_MISMATCH',
    message: expect.stringContaining(descriptor.digest),
  });
  expect(await filesIn(made.path, 'ingest')).toEqual([]);
  expect(await filesIn(made.path, 'blobs')).toEqual([]);
});

test('write() stops reading as soon as more bytes come than the descriptor says', async () => {
  await using made = await makeTestStore();
  const { descriptor } = layerOf(100);
  let pieces = 0;
  const endless = {
    size: 100,
    async *stream() {
      for (;;) {
        pieces++;
        yield new Uint8Array(64);
      }
    },
  };
  await expect(made.store.write(descriptor, endless)).rejects.toMatchObject({
    code: 'CONTENT_MISMATCH',
  });
  expect(pieces).toBe(2);
});

test('keeps content that SHA-512 names', async () => {
  await using made = await makeTestStore();
  const bytes = layerOf(5000).bytes;
  const descriptor = describeBytes(mediaTypes.layer, digestOf(bytes, 'sha512'), bytes);
  await made.store.write(descriptor, inPieces(bytes, 100));
  expect(await filesIn(made.path, 'blobs', 'sha512')).toHaveLength(1);
  expect(await readStream((await made.store.open(descriptor)).stream())).toEqual(
    Buffer.from(bytes),
  );
});

test('write() refuses a manifest whose parts are not here, and one that is broken', async () => {
  await using made = await makeTestStore();
  const image = buildImage();
  const bytes = image.blobs.get(image.root.digest) ?? json({});
  await expect(made.store.write(image.root, memoryContent(bytes))).rejects.toMatchObject({
    code: 'CONTENT_MISSING',
  });
  const broken = json({ schemaVersion: 2, layers: 7 });
  const descriptor = describeBytes(mediaTypes.manifest, digestOf(broken), broken);
  await expect(made.store.write(descriptor, memoryContent(broken))).rejects.toMatchObject({
    code: 'DOCUMENT_INVALID',
  });
  expect(await filesIn(made.path, 'blobs')).toEqual([]);
  expect(await filesIn(made.path, 'ingest')).toEqual([]);
});

test('write() takes a manifest without its non-distributable layer', async () => {
  await using made = await makeTestStore();
  const config = json({ os: 'windows', architecture: 'amd64', rootfs: { diff_ids: [] } });
  const configDescriptor = describeBytes(mediaTypes.config, digestOf(config), config);
  const manifest = json({
    schemaVersion: 2,
    mediaType: mediaTypes.dockerManifest,
    config: configDescriptor,
    layers: [
      {
        ...layerOf(9).descriptor,
        mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
      },
    ],
  });
  const descriptor = describeBytes(mediaTypes.dockerManifest, digestOf(manifest), manifest);
  await made.store.write(configDescriptor, memoryContent(config));
  await made.store.write(descriptor, memoryContent(manifest));
  expect(await made.store.has(descriptor)).toBe(true);
});

test('a blob whose file was cut or removed is not here, and write() repairs it', async () => {
  await using made = await makeTestStore();
  const image = buildImage();
  await writeAll(made.store, image);
  const [layer] = image.order;
  if (layer === undefined) throw new Error('no layer');
  const path = blobPath(made.path, layer);
  const damages = [() => rm(path), () => chmod(path, 0o644).then(() => truncate(path, 3))];
  for (const damage of damages) {
    await damage();
    expect(await made.store.has(layer)).toBe(false);
    expect(await made.store.has(image.root)).toBe(false);
    expect(made.store.stat(layer.digest)).toBeUndefined();
    await expect(made.store.open(layer)).rejects.toMatchObject({ code: 'CONTENT_DAMAGED' });
    await made.store.write(layer, memoryContent(image.blobs.get(layer.digest) ?? json({})));
    expect(await made.store.has(image.root)).toBe(true);
  }
});

test('has() adopts a file that another program put among the blobs, but only with the right digest', async () => {
  await using made = await makeTestStore();
  const { descriptor, bytes } = layerOf(2000);
  await writeFile(
    blobPath(made.path, descriptor),
    bytes.map((byte) => byte ^ 1),
  );
  expect(await made.store.has(descriptor)).toBe(false);
  await writeFile(blobPath(made.path, descriptor), bytes);
  expect(await made.store.has(descriptor)).toBe(true);
  expect(made.store.stat(descriptor.digest)).toEqual({
    mediaType: mediaTypes.layerGzip,
    size: 2000,
  });
});

test('ingest() keeps a stream of unknown digest and says what it was', async () => {
  await using made = await makeTestStore();
  const { descriptor, bytes } = layerOf(400_000);
  const stream = () => inPieces(bytes, 30_000).stream();
  const { mediaType } = descriptor;
  expect(await made.store.ingest(stream(), { mediaType })).toEqual(descriptor);
  expect(await made.store.ingest(stream(), { mediaType, expect: descriptor.digest })).toEqual(
    descriptor,
  );
  const other = layerOf(7).descriptor.digest;
  await expect(made.store.ingest(stream(), { mediaType, expect: other })).rejects.toMatchObject({
    code: 'CONTENT_MISMATCH',
  });
  expect(await filesIn(made.path, 'ingest')).toEqual([]);
});

test('a manifest that came in as a plain blob becomes a document when it is written as one', async () => {
  await using made = await makeTestStore();
  const image = buildImage();
  for (const bytes of image.blobs.values()) {
    const mediaType = 'application/octet-stream';
    await made.store.ingest(memoryContent(bytes).stream(), { mediaType });
  }
  expect(await made.store.has(image.root)).toBe(true);
  await made.store.changeNames({ set: [{ name: 'docker.io/library/a:1', target: image.root }] });
  expect((await made.store.collect()).digests).toEqual([]);
});

test('remove() frees one blob at once, and the manifest above it counts as missing', async () => {
  await using made = await makeTestStore();
  const image = buildImage();
  await writeAll(made.store, image);
  const [layer] = image.order;
  if (layer === undefined) throw new Error('no layer');
  expect(await made.store.remove(layer.digest)).toBe(true);
  expect(await made.store.remove(layer.digest)).toBe(false);
  expect(await made.store.has(layer)).toBe(false);
  expect(await made.store.has(image.root)).toBe(false);
  expect(await filesIn(made.path, 'trash')).toEqual([]);
});

test('remove() frees nothing that a name or a lease needs, but for the lease of who asks', async () => {
  await using made = await makeTestStore();
  await using second = await made.reopen();
  const image = buildImage();
  await writeAll(made.store, image);
  const name = 'docker.io/library/a:1';
  await made.store.changeNames({ set: [{ name, target: image.root }] });
  for (const { digest } of image.order) expect(await made.store.remove(digest)).toBe(false);
  await made.store.changeNames({ remove: [name] });
  await using mine = await made.store.lease();
  const theirs = await second.lease();
  for (const descriptor of image.order) await made.store.has(descriptor);
  await second.has(image.root);
  const [layer] = image.order;
  if (layer === undefined) throw new Error('no layer');
  expect(await made.store.remove(layer.digest, { except: mine })).toBe(false);
  await theirs[Symbol.asyncDispose]();
  expect(await made.store.remove(layer.digest)).toBe(false);
  expect(await made.store.remove(layer.digest, { except: mine })).toBe(true);
});

test('recordLayer() is found by either digest until the layer is freed', async () => {
  await using made = await makeTestStore();
  const { descriptor, bytes } = layerOf(50);
  const record = { ...descriptor, diffId: digestOf(json({ tar: 1 })), diffSize: 10_240 };
  made.store.recordLayer(record);
  expect(made.store.layer(descriptor.digest)).toBeUndefined();
  await made.store.write(descriptor, memoryContent(bytes));
  made.store.recordLayer(record);
  expect(made.store.layer(descriptor.digest)).toEqual(record);
  expect(made.store.layersByDiffId(record.diffId)).toEqual([record]);
  await made.store.remove(descriptor.digest);
  expect(made.store.layer(descriptor.digest)).toBeUndefined();
  expect(made.store.layersByDiffId(record.diffId)).toEqual([]);
});

test('a stream that was opened reads on when its blob is freed meanwhile', async () => {
  await using made = await makeTestStore();
  const { descriptor, bytes } = layerOf(600_000);
  await made.store.write(descriptor, memoryContent(bytes));
  const hasher = new Bun.CryptoHasher('sha256');
  for await (const piece of (await made.store.open(descriptor)).stream()) {
    hasher.update(piece);
    await made.store.remove(descriptor.digest);
  }
  expect(`sha256:${hasher.digest('hex')}`).toBe(descriptor.digest);
  expect(await readdir(join(made.path, 'blobs', 'sha256'))).toEqual([]);
});

test('a blob that was touched counts again once it is verified, and one that was changed is written again', async () => {
  await using made = await makeTestStore();
  const { descriptor, bytes } = layerOf(1000);
  await made.store.write(descriptor, memoryContent(bytes));
  const path = blobPath(made.path, descriptor);
  await utimes(path, new Date(), new Date(0));
  expect(await made.store.has(descriptor)).toBe(true);
  await writeFile(
    path,
    bytes.map((byte) => byte ^ 1),
  );
  expect(await made.store.has(descriptor)).toBe(false);
  await expect(made.store.open(descriptor)).rejects.toMatchObject({
    code: 'CONTENT_DAMAGED',
    message: `${descriptor.digest} is damaged in the store`,
  });
  await made.store.write(descriptor, memoryContent(bytes));
  expect(await readStream((await made.store.open(descriptor)).stream())).toEqual(
    Buffer.from(bytes),
  );
});

test('a manifest that was touched stays a manifest when it is asked for as plain bytes', async () => {
  await using made = await makeTestStore();
  const image = buildImage();
  const { root } = image;
  await writeAll(made.store, image);
  await utimes(blobPath(made.path, root), new Date(), new Date(0));
  expect(await made.store.has({ ...root, mediaType: 'application/octet-stream' })).toBe(true);
  expect(made.store.stat(root.digest)?.mediaType).toBe(root.mediaType);
});
