import { Database } from 'bun:sqlite';
import { expect, test } from 'bun:test';
import { readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { memoryContent } from '../../src/content.ts';
import { layerOf, writeAll } from '../support/content-store-contract.ts';
import { buildImage, buildMultiPlatform, json, layerTar } from '../support/images.ts';
import { filesIn, makeTestStore, writeReferrer } from './store-under-test.ts';

const HOUR_MS = 60 * 60 * 1000;

test('collect() frees everything when the last name is gone, and says what', async () => {
  await using made = await makeTestStore();
  const index = buildMultiPlatform('linux/amd64', 'linux/arm64');
  await writeAll(made.store, index);
  const names = ['docker.io/library/a:1', 'docker.io/library/a:2'];
  await made.store.changeNames({ set: names.map((name) => ({ name, target: index.root })) });
  await made.store.changeNames({ remove: names.slice(0, 1) });
  expect(await made.store.collect()).toEqual({ digests: [], bytes: 0 });
  await made.store.changeNames({ remove: names });
  const { digests, bytes } = await made.store.collect();
  expect([...digests].sort()).toEqual([...index.blobs.keys()].sort());
  expect(bytes).toBe(index.order.reduce((sum, { size }) => sum + size, 0));
  expect(await filesIn(made.path, 'blobs')).toEqual([]);
  expect(await filesIn(made.path, 'trash')).toEqual([]);
});

test('collect() keeps a layer that another image still needs', async () => {
  await using made = await makeTestStore();
  const base = layerTar('base');
  const [one, two] = [1, 2].map((n) => buildImage({ layers: [base, layerTar(`top ${n}`)] }));
  if (one === undefined || two === undefined) throw new Error('no images');
  await writeAll(made.store, one);
  await writeAll(made.store, two);
  await made.store.changeNames({ set: [{ name: 'docker.io/library/two:1', target: two.root }] });
  const { digests } = await made.store.collect();
  expect(digests).toHaveLength(3);
  for (const descriptor of two.order) expect(await made.store.has(descriptor)).toBe(true);
});

test('collect() keeps what a lease protects, written or found, until the lease ends', async () => {
  await using made = await makeTestStore();
  await using second = await made.reopen();
  const written = layerOf(100);
  const found = buildImage();
  await writeAll(made.store, found);
  const lease = await made.store.lease();
  await made.store.write(written.descriptor, memoryContent(written.bytes));
  await made.store.ingest(memoryContent(json({ a: 1 })).stream(), { mediaType: 'text/plain' });
  expect(await made.store.has(found.root)).toBe(true);
  expect((await second.collect()).digests).toEqual([]);
  await lease[Symbol.asyncDispose]();
  expect((await second.collect()).digests).toHaveLength(2 + found.order.length);
});

test('collect() keeps a referrer as long as its subject, and no longer', async () => {
  await using made = await makeTestStore();
  const image = buildImage();
  await writeAll(made.store, image);
  const referrer = await writeReferrer(made.store, image.root);
  const name = 'docker.io/library/a:1';
  await made.store.changeNames({ set: [{ name, target: image.root }] });
  expect((await made.store.collect()).digests).toEqual([]);
  expect(made.store.reaches(name, referrer.digest)).toBe(true);
  await made.store.changeNames({ remove: [name] });
  await made.store.collect();
  expect(await filesIn(made.path, 'blobs')).toEqual([]);
});

test('collect() does not keep a subject for the sake of its referrer', async () => {
  await using made = await makeTestStore();
  const image = buildImage();
  await writeAll(made.store, image);
  const referrer = await writeReferrer(made.store, image.root);
  await made.store.changeNames({ set: [{ name: 'docker.io/library/r:1', target: referrer }] });
  await made.store.collect();
  expect(await made.store.has(image.root)).toBe(false);
  expect(await made.store.has(referrer)).toBe(true);
});

test('collect() leaves the file of another program alone for an hour', async () => {
  await using made = await makeTestStore();
  const { descriptor, bytes } = layerOf(77);
  const hex = descriptor.digest.slice('sha256:'.length);
  await writeFile(join(made.path, 'blobs', 'sha256', hex), bytes);
  await writeFile(join(made.path, 'blobs', 'sha256', 'not-a-digest'), bytes);
  expect((await made.store.collect()).digests).toEqual([]);
  made.clock += HOUR_MS + 60_000;
  expect(await made.store.collect()).toEqual({ digests: [descriptor.digest], bytes: 77 });
  expect(await filesIn(made.path, 'blobs')).toEqual(['not-a-digest']);
});

test('collect() ends the leases of killed processes and removes what they were receiving', async () => {
  await using made = await makeTestStore();
  const worker = Bun.spawn(
    [process.execPath, join(import.meta.dir, 'lease-holder.ts'), made.path],
    {
      stdout: 'pipe',
    },
  );
  const reader = worker.stdout.getReader();
  await reader.read();
  expect((await made.store.collect()).digests).toEqual([]);
  expect(await filesIn(made.path, 'ingest')).toHaveLength(1);
  worker.kill('SIGKILL');
  await worker.exited;
  expect((await made.store.collect()).digests).toHaveLength(1);
  expect(await filesIn(made.path, 'ingest')).toEqual([]);
});

test('collect() removes what no process claims after a day', async () => {
  await using made = await makeTestStore();
  const [old, young] = ['old', 'young'].map((name) => join(made.path, 'ingest', name));
  if (old === undefined || young === undefined) throw new Error('no paths');
  await writeFile(old, 'x');
  await writeFile(young, 'x');
  await writeFile(join(made.path, 'trash', 'x'), 'x');
  await writeFile(join(made.path, '.finch-x.tmp'), 'x');
  const time = new Date(made.clock - 25 * HOUR_MS);
  await utimes(old, time, time);
  await utimes(join(made.path, '.finch-x.tmp'), time, time);
  await made.store.collect();
  expect(await filesIn(made.path, 'ingest')).toEqual(['young']);
  expect(await filesIn(made.path, 'trash')).toEqual([]);
  expect(await readdir(made.path)).not.toContain('.finch-x.tmp');
});

test('a lease that another process took for left behind is there again with the next that it protects', async () => {
  await using made = await makeTestStore();
  await using second = await made.reopen();
  await using _lease = await made.store.lease();
  const [one, two] = [layerOf(10), layerOf(20)];
  await made.store.write(one.descriptor, memoryContent(one.bytes));
  using database = new Database(join(made.path, 'meta.db'));
  database.run('PRAGMA foreign_keys = ON');
  database.run('DELETE FROM leases');
  await made.store.write(two.descriptor, memoryContent(two.bytes));
  expect((await second.collect()).digests).toEqual([]);
});

test('collect() stops when it is aborted', async () => {
  await using made = await makeTestStore();
  await writeAll(made.store, buildImage());
  const signal = AbortSignal.abort();
  await expect(made.store.collect({ signal })).rejects.toThrow();
  expect(await filesIn(made.path, 'blobs')).toHaveLength(3);
});

test('collect() frees what a lease released once no name keeps it any more', async () => {
  await using made = await makeTestStore();
  await using lease = await made.store.lease();
  const image = buildImage();
  await writeAll(made.store, image);
  const name = 'docker.io/library/a:1';
  await made.store.changeNames({ set: [{ name, target: image.root }] });
  lease.release(image.root.digest);
  expect((await made.store.collect()).digests).toEqual([]);
  await made.store.changeNames({ remove: [name] });
  expect((await made.store.collect()).digests).toHaveLength(3);
});

test('a lease protects again what it released and is asked for once more', async () => {
  await using made = await makeTestStore();
  await using lease = await made.store.lease();
  const image = buildImage();
  await writeAll(made.store, image);
  lease.release(image.root.digest);
  expect(await made.store.has(image.root)).toBe(true);
  expect((await made.store.collect()).digests).toEqual([]);
});
