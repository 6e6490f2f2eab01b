import { Database } from 'bun:sqlite';
import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { memoryContent } from '../../src/content.ts';
import { HeldImages } from '../../src/copy/held-images.ts';
import { readVerified } from '../../src/copy/read-document.ts';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import type { ImageStore } from '../../src/store/image-store.ts';
import { openImageStore } from '../../src/store/open-store.ts';
import { type Workplace, workplace } from '../archives/archive-files.ts';
import { Graph } from './graph.ts';

/** An image in the store whose layer has `bytes`, and its parts. */
async function stored({ store }: Workplace, bytes: number) {
  const graph = new Graph();
  const root = graph.image('image', 'linux/amd64', { layers: [graph.blob('layer', bytes)] });
  const parts = graph.below(root);
  for (const part of parts) await store.write(part, memoryContent(graph.bytesOf(part)));
  return { root, parts };
}

const leases = (store: ImageStore) => {
  using database = new Database(join(store.path, 'meta.db'), { readonly: true });
  return database.query('SELECT 1 FROM leases').all().length;
};

/** What can be read of an image whose parts another process wants to be rid of. */
async function readWhileRemoved(
  place: Workplace,
  { root, parts }: { root: Descriptor; parts: readonly Descriptor[] },
) {
  await using held = new HeldImages(place.store);
  const from = await held.hold(root, {});
  await using other = await openImageStore(place.store.path);
  await other.collect();
  for (const part of parts) {
    expect(await from.has(part)).toBe(true);
    expect((await readVerified(from, part, { limit: part.size })).length).toBe(part.size);
  }
  return { leases: leases(place.store) };
}

test('a small image can be read while it is removed, and no lease is written down for it', async () => {
  await using place = await workplace();
  const image = await stored(place, 2000);
  expect(await readWhileRemoved(place, image)).toEqual({ leases: 0 });
  expect(await place.store.has(image.root)).toBe(false);
});

test('any other image is under a lease until it is held no more', async () => {
  await using place = await workplace();
  const image = await stored(place, 300_000);
  expect(await readWhileRemoved(place, image)).toEqual({ leases: 1 });
  expect(leases(place.store)).toBe(0);
  expect(await place.store.has(image.root)).toBe(true);
});

test('what is small and not whole is read from the store, which says what is wrong with it', async () => {
  await using place = await workplace();
  const { root } = await stored(place, 2000);
  await using held = new HeldImages(place.store);
  const missing = { ...root, digest: root.digest.replace(/.{4}$/, '0000') as Descriptor['digest'] };
  const from = await held.hold(missing, {});
  const opening = Promise.resolve(from.open(missing)).catch((error: unknown) => error);
  expect(await opening).toMatchObject({ code: 'CONTENT_MISSING' });
});
