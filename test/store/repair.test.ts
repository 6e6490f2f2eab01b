import { expect, test } from 'bun:test';
import { readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { memoryContent } from '../../src/content.ts';
import { openImageStore } from '../../src/store/open-store.ts';
import { repairStore } from '../../src/store/repair-store.ts';
import { layerOf, writeAll } from '../support/content-store-contract.ts';
import { buildImage } from '../support/images.ts';
import { makeTestStore } from './store-under-test.ts';

const image = buildImage();
const name = 'docker.io/library/a:1';

test('a process whose database was replaced says so instead of losing what it changes', async () => {
  await using made = await makeTestStore();
  await writeAll(made.store, image);
  const path = join(made.path, 'meta.db');
  for (const end of ['-wal', '-shm', '']) await rename(path + end, `${path}.away${end}`);
  await using second = await made.reopen();
  await expect(
    made.store.changeNames({ set: [{ name, target: image.root }] }),
  ).rejects.toMatchObject({ code: 'STORE_UNUSABLE', message: expect.stringContaining('replaced') });
  expect(second.names()).toEqual([]);
});

test('several that repair at once leave one sound database', async () => {
  await using made = await makeTestStore();
  await writeAll(made.store, image);
  await made.store.changeNames({ set: [{ name, target: image.root }] });
  await made.store[Symbol.asyncDispose]();
  await writeFile(join(made.path, 'meta.db'), 'garbage, all of it');
  const results = await Promise.all([1, 2, 3].map(() => repairStore(made.path)));
  expect(results.flatMap(({ setAside }) => setAside)).toHaveLength(1);
  await using store = await openImageStore(made.path);
  expect(store.names().map((record) => record.name)).toEqual([name]);
  expect(await store.inspect()).toMatchObject({ names: 1, blobs: 3, damages: [] });
  const kept = (await readdir(made.path)).filter((file) => file.includes('damaged'));
  expect(kept).toHaveLength(1);
});

test('forget() leaves what became intact since it was found damaged', async () => {
  await using made = await makeTestStore();
  const { descriptor, bytes } = layerOf(1000);
  await made.store.write(descriptor, memoryContent(bytes));
  const damage = { digest: descriptor.digest, problem: 'has other content', names: [] };
  await made.store.forget([damage]);
  expect(await made.store.has(descriptor)).toBe(true);
});

test('inspect() does not count what is collected while it looks', async () => {
  await using made = await makeTestStore();
  for (let size = 1; size <= 50; size++) {
    const { descriptor, bytes } = layerOf(size * 1000);
    await made.store.write(descriptor, memoryContent(bytes));
  }
  await using second = await made.reopen();
  const [inspection] = await Promise.all([made.store.inspect(), second.collect()]);
  expect(inspection.damages).toEqual([]);
});
