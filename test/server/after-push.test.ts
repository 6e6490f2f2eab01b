import { expect, test } from 'bun:test';
import { openImageStore } from '../../src/store/open-store.ts';
import { buildImage, buildIndex, layerTar } from '../support/images.ts';
import { push, putBlob, serve } from './served.ts';

test('another process frees a pushed image with its last name while the registry runs', async () => {
  await using registry = await serve();
  const image = buildImage();
  await push(registry.url, 'a:1', image);
  await using other = await openImageStore(registry.store.path);
  await other.changeNames({ remove: ['docker.io/library/a:1'] });
  expect((await other.collect()).digests).toHaveLength(image.blobs.size);
});

test('another process frees nothing that was uploaded and waits for its manifest', async () => {
  await using registry = await serve();
  const image = buildImage();
  for (const [digest, bytes] of image.blobs) await putBlob(registry.url, digest, bytes);
  await using other = await openImageStore(registry.store.path);
  expect((await other.collect()).digests).toEqual([]);
  await push(registry.url, 'a:1', image);
});

test('the registry finds out how large the layers of a pushed image are uncompressed', async () => {
  const platform = { os: 'linux', architecture: 'amd64' };
  const tar = layerTar('x'.repeat(5000));
  const image = buildImage({ platform, layers: [tar] });
  await using registry = await serve({ platform });
  await push(registry.url, 'a:1', image);
  const [layer] = image.order;
  const size = () => layer && registry.store.layer(layer.digest)?.diffSize;
  while (size() === undefined) await new Promise(setImmediate);
  expect(size()).toBe(tar.length);
});

test('what was looked at after a push is freed with its last name', async () => {
  const platform = { os: 'linux', architecture: 'amd64' };
  const first = buildIndex([{ image: buildImage({ platform }), platform }]);
  const second = buildImage({ platform, layers: [layerTar('second')] });
  await using registry = await serve({ platform });
  await push(registry.url, 'a:1', first);
  await push(registry.url, 'b:1', second);
  const last = second.order[0]?.digest;
  // Images are looked at one after the other.
  while (last && !registry.store.layer(last)) await new Promise(setImmediate);
  await using other = await openImageStore(registry.store.path);
  await other.changeNames({ remove: ['docker.io/library/a:1'] });
  expect((await other.collect()).digests).toHaveLength(first.blobs.size);
});

test('what is deleted through the API is freed by the next collection', async () => {
  await using registry = await serve();
  const first = buildIndex([{ image: buildImage({ labels: { of: 'first' } }) }]);
  const second = buildImage({ labels: { of: 'second' } });
  await push(registry.url, 'a:1', first);
  await push(registry.url, 'a:2', first);
  await push(registry.url, 'a:2', second);
  const gone = ['1', first.root.digest, '2', second.root.digest];
  for (const reference of gone) {
    const url = `${registry.url}/v2/a/manifests/${reference}`;
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(202);
  }
  await using other = await openImageStore(registry.store.path);
  const blobs = new Set([...first.blobs.keys(), ...second.blobs.keys()]);
  expect(new Set((await other.collect()).digests)).toEqual(blobs);
});
