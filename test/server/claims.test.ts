import { expect, test } from 'bun:test';
import { Claims } from '../../src/server/claims.ts';
import { buildImage, layerTar } from '../support/images.ts';
import { outcome, push, putBlob, putDocument, type Served, serve } from './served.ts';

const base = layerTar('base');
const mine = buildImage({ layers: [base], labels: { whose: 'mine' } });
const theirs = buildImage({ layers: [base], labels: { whose: 'theirs' } });
const [layer = mine.root, config = mine.root] = mine.order;
const bytesOf = (digest = layer.digest) => mine.blobs.get(digest) ?? new Uint8Array();

const ask = ({ url }: Served, repository: string) =>
  fetch(`${url}/v2/${repository}/blobs/${layer.digest}`, { method: 'HEAD' });
const mount = ({ url }: Served, repository: string) =>
  fetch(`${url}/v2/${repository}/blobs/uploads/?mount=${layer.digest}`, { method: 'POST' });
const upload = ({ url }: Served, repository: string) =>
  putBlob(url, layer.digest, bytesOf(), repository);
const name = ({ url }: Served, repository: string) =>
  putDocument(`${url}/v2/${repository}/manifests/1`, bytesOf(mine.root.digest), mine.root);
const remove = ({ url }: Served, repository: string, reference: string) =>
  fetch(`${url}/v2/${repository}/manifests/${reference}`, { method: 'DELETE' });

for (const [what, told] of Object.entries({ ask, mount, upload })) {
  for (const repository of ['mine', 'theirs']) {
    test(`a layer stays for who was told that it is here (${what}, ${repository}), whatever others push and delete`, async () => {
      await using registry = await serve();
      const { url, store } = registry;
      if (what !== 'upload') await push(url, 'theirs:1', theirs);
      expect((await told(registry, repository)).status).toBeOneOf([200, 201]);
      if (what === 'upload') await push(url, 'theirs:1', theirs);
      await push(url, 'theirs:2', theirs);
      expect((await remove(registry, 'theirs', '1')).status).toBe(202);
      expect((await remove(registry, 'theirs', theirs.root.digest)).status).toBe(202);
      await store.collect();
      await putBlob(url, config.digest, bytesOf(config.digest), repository);
      expect(await outcome(await name(registry, repository))).toEqual([201]);
    });
  }
}

test('an image is freed once it is deleted, though its client asked whether each upload arrived', async () => {
  await using registry = await serve();
  for (const { digest } of [layer, config]) {
    await putBlob(registry.url, digest, bytesOf(digest), 'mine');
    await fetch(`${registry.url}/v2/mine/blobs/${digest}`, { method: 'HEAD' });
  }
  expect((await name(registry, 'mine')).status).toBe(201);
  await remove(registry, 'mine', mine.root.digest);
  await registry.store.collect();
  for (const digest of mine.blobs.keys()) expect(registry.store.stat(digest)).toBeUndefined();
});

test('a repository cannot delete what only another one waits for', async () => {
  await using registry = await serve();
  await upload(registry, 'mine');
  const inTheirs = `${registry.url}/v2/theirs/blobs/${layer.digest}`;
  const refused = await fetch(inTheirs, { method: 'DELETE' });
  expect(await outcome(refused)).toEqual([404, 'BLOB_UNKNOWN']);
  await mount(registry, 'theirs');
  expect((await fetch(inTheirs, { method: 'DELETE' })).status).toBe(202);
  for (const method of ['GET', 'HEAD', 'DELETE']) {
    expect((await fetch(inTheirs, { method })).status).toBe(404);
  }
  await putBlob(registry.url, config.digest, bytesOf(config.digest), 'mine');
  expect((await name(registry, 'mine')).status).toBe(201);
});

for (const [what, again] of Object.entries({ mount, upload, name })) {
  test(`a blob that was deleted in a repository is back in it after its ${what}`, async () => {
    await using registry = await serve();
    await push(registry.url, 'theirs:1', theirs);
    await putBlob(registry.url, config.digest, bytesOf(config.digest), 'mine');
    await mount(registry, 'mine');
    const url = `${registry.url}/v2/mine/blobs/${layer.digest}`;
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(202);
    expect((await ask(registry, 'mine')).status).toBe(404);
    expect((await again(registry, 'mine')).status).toBe(201);
    expect((await ask(registry, 'mine')).status).toBe(200);
  });
}

test('content that nobody asks for again is freed after the time for it', async () => {
  await using registry = await serve({ limits: { unnamedMs: 20 } });
  await upload(registry, 'mine');
  const isHere = () => registry.store.stat(layer.digest) !== undefined;
  while (isHere()) {
    await registry.store.collect();
    await Bun.sleep(5);
  }
});

test('a server that is read-only protects nothing that it was asked about', async () => {
  await using registry = await serve();
  await push(registry.url, 'mine:1', mine);
  await using readOnly = await serve({ readOnly: true }, registry.store);
  expect((await ask(readOnly, 'mine')).status).toBe(200);
  await remove(registry, 'mine', mine.root.digest);
  await registry.store.collect();
  expect(registry.store.stat(layer.digest)).toBeUndefined();
});

test('claims on content that is not found, or whose work failed, are taken back', async () => {
  const released: string[] = [];
  const lease = {
    id: 'a lease',
    release: (root: string) => void released.push(root),
    expire() {},
    async [Symbol.asyncDispose]() {},
  };
  const claims = new Claims(lease);
  const { digest } = layer;
  const place = { key: 'mine', digest };
  expect(await claims.tell(place, async () => claims.has(digest))).toBe(true);
  expect(claims.has(digest)).toBe(true);
  expect(claims.isClaimed(place)).toBe(true);
  claims.giveUp(place);
  expect([claims.has(digest), claims.isGivenUp(place)]).toEqual([false, true]);
  expect(await claims.tell(place, async () => false)).toBe(false);
  const failed = async () => {
    expect(claims.has(digest)).toBe(true);
    throw new Error('no');
  };
  await expect(claims.tell(place, failed)).rejects.toThrow('no');
  await expect(
    claims.settle({ key: 'mine', digest: config.digest }, [digest], failed),
  ).rejects.toThrow('no');
  expect([claims.has(digest), claims.isClaimed(place), released]).toEqual([false, false, [digest]]);
});
