import { expect, test } from 'bun:test';
import { openImageStore } from '../../src/store/open-store.ts';
import { buildImage, layerTar } from '../support/images.ts';
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
