import { Database } from 'bun:sqlite';
import { expect, test } from 'bun:test';
import { chmod, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { memoryContent } from '../../src/content.ts';
import type { ImageStore } from '../../src/store/image-store.ts';
import { openImageStore } from '../../src/store/open-store.ts';
import { repairStore } from '../../src/store/repair-store.ts';
import { mayInject } from '../e2e/support/injected.ts';
import { layerOf, writeAll } from '../support/content-store-contract.ts';
import { buildImage, layerTar } from '../support/images.ts';
import { makeTestStore, type TestStore, writeReferrer } from './store-under-test.ts';

const HOUR_MS = 60 * 60 * 1000;
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

/** Gives three images a name each, and puts back the `index.json` that knew the first alone. */
async function withOldIndex(made: TestStore): Promise<string[]> {
  const images = ['one', 'two', 'three'].map((text) => buildImage({ layers: [layerTar(text)] }));
  const index = join(made.path, 'index.json');
  const old: Uint8Array[] = [];
  for (const [i, built] of images.entries()) {
    await writeAll(made.store, built);
    const set = [{ name: `docker.io/library/a:${i}`, target: built.root }];
    await made.store.changeNames({ set });
    old.push(await readFile(index));
  }
  const names = namesIn(made.store);
  await made.store[Symbol.asyncDispose]();
  await writeFile(index, old[0] ?? '');
  return names;
}

const namesIn = (store: ImageStore) =>
  store
    .names()
    .map((record) => record.name)
    .toSorted();

test('repair names what the damaged database named and index.json did not show yet', async () => {
  await using made = await makeTestStore();
  const names = await withOldIndex(made);
  {
    using database = new Database(join(made.path, 'meta.db'));
    database.run("INSERT INTO edges VALUES ('x', 'y', 'optional')");
  }
  const { setAside, restored } = await repairStore(made.path);
  expect(setAside).toHaveLength(1);
  expect(restored).toEqual(names.slice(1));
  await using store = await made.reopen();
  expect(namesIn(store)).toEqual(names);
  made.clock += 2 * HOUR_MS;
  expect((await store.collect()).digests).toEqual([]);
});

test('repair names what is here when neither the database nor index.json says what it was', async () => {
  await using made = await makeTestStore();
  await withOldIndex(made);
  await writeFile(join(made.path, 'meta.db'), 'garbage, all of it');
  expect((await repairStore(made.path)).restored).toHaveLength(2);
  await using store = await made.reopen();
  const names = namesIn(store);
  expect(names).toContain('docker.io/library/a:0');
  expect(names.filter((each) => each.includes('/recovered@sha256:'))).toHaveLength(2);
});

test.each([
  ['emptied', (path: string) => truncate(path, 0)],
  ['removed', (path: string) => rm(path)],
])('repair names what is here when meta.db was %s and index.json is gone', async (_, damage) => {
  await using made = await makeTestStore();
  await writeAll(made.store, image);
  await made.store.changeNames({ set: [{ name, target: image.root }] });
  await made.store[Symbol.asyncDispose]();
  await damage(join(made.path, 'meta.db'));
  await rm(join(made.path, 'index.json'));
  // Other commands come before it, and see an empty store.
  await (await made.reopen())[Symbol.asyncDispose]();
  const recovered = `docker.io/library/recovered@${image.root.digest}`;
  expect(await repairStore(made.path)).toMatchObject({ setAside: [], restored: [recovered] });
  expect((await repairStore(made.path)).restored).toEqual([]);
});

test('repair gives a signature no name of its own when what it signs is here', async () => {
  await using made = await makeTestStore();
  await writeAll(made.store, image);
  const referrer = await writeReferrer(made.store, image.root);
  await made.store.changeNames({ set: [{ name, target: image.root }] });
  await made.store[Symbol.asyncDispose]();
  await writeFile(join(made.path, 'meta.db'), 'garbage, all of it');
  expect((await repairStore(made.path)).restored).toEqual([]);
  await using store = await made.reopen();
  made.clock += 2 * HOUR_MS;
  await store.collect();
  expect(await store.has(referrer)).toBe(true);
});

test('repair does not name what a healthy database knows and nothing names', async () => {
  await using made = await makeTestStore();
  await writeAll(made.store, image);
  expect((await repairStore(made.path)).restored).toEqual([]);
  expect(namesIn(made.store)).toEqual([]);
});

test('what was set aside stays when the store is damaged again in the same second', async () => {
  await using made = await makeTestStore();
  await made.store[Symbol.asyncDispose]();
  const now = () => new Date(made.clock);
  for (const damage of ['garbage one', 'garbage two']) {
    await writeFile(join(made.path, 'meta.db'), damage);
    const { setAside } = await repairStore(made.path, { now });
    expect(await readFile(setAside[0] ?? '', 'utf8')).toBe(damage);
  }
  const kept = (await readdir(made.path)).filter((file) => file.includes('damaged'));
  expect(kept).toHaveLength(2);
});

test('processes that repair at once set the damaged database aside once, and no sound one', async () => {
  const script = join(import.meta.dir, 'store-repairer.ts');
  for (let round = 0; round < 3; round++) {
    await using made = await makeTestStore();
    await writeAll(made.store, image);
    await made.store.changeNames({ set: [{ name, target: image.root }] });
    await made.store[Symbol.asyncDispose]();
    await writeFile(join(made.path, 'meta.db'), 'garbage, all of it');
    const start = Date.now() + 300;
    const ends = await Promise.all(
      [1, 2, 3].map(async () => {
        const argv = [process.execPath, script, made.path, `${start}`];
        const repairer = Bun.spawn(argv, { stdout: 'pipe', stderr: 'pipe' });
        return `${await repairer.stdout.text()}${await repairer.stderr.text()}`;
      }),
    );
    expect(ends.toSorted()).toEqual(['0\n', '0\n', '1\n']);
    const kept = (await readdir(made.path)).filter((file) => file.includes('damaged'));
    expect(kept).toHaveLength(1);
    expect(await readFile(join(made.path, kept[0] ?? ''), 'utf8')).toBe('garbage, all of it');
    await using store = await made.reopen();
    expect(namesIn(store)).toEqual([name]);
  }
}, 30_000);

test('a store whose database was replaced says so when it is asked, and closes in peace', async () => {
  await using made = await makeTestStore();
  const lease = await made.store.lease();
  expect(made.store.wasReplaced()).toBe(false);
  await writeAll(made.store, image);
  const path = join(made.path, 'meta.db');
  for (const end of ['-wal', '-shm', '']) await rename(path + end, `${path}.away${end}`);
  expect(made.store.wasReplaced()).toBe(true);
  await using _second = await made.reopen();
  expect(made.store.wasReplaced()).toBe(true);
  await lease[Symbol.asyncDispose]();
  await made.store[Symbol.asyncDispose]();
});

test.each([
  ['lacks a table', 'DROP TABLE lease_blobs'],
  ['lacks a column', 'ALTER TABLE blobs DROP COLUMN stamp'],
  ['lacks an index', 'DROP INDEX names_by_age'],
])('a database that %s is made again by repair, with its names', async (_, change) => {
  await using made = await makeTestStore();
  await writeAll(made.store, image);
  await made.store.changeNames({ set: [{ name, target: image.root }] });
  await made.store[Symbol.asyncDispose]();
  {
    using database = new Database(join(made.path, 'meta.db'));
    database.run(change);
  }
  expect((await repairStore(made.path)).setAside).toHaveLength(1);
  await using store = await made.reopen();
  expect(namesIn(store)).toEqual([name]);
  expect(await store.inspect()).toMatchObject({ names: 1, blobs: 3, damages: [] });
});

test('repair does not name an image that was killed before its manifest was written down', async () => {
  await using made = await makeTestStore();
  await writeAll(made.store, image);
  {
    using database = new Database(join(made.path, 'meta.db'));
    database.run('DELETE FROM blobs WHERE digest = ?', [image.root.digest]);
  }
  expect((await repairStore(made.path)).restored).toEqual([]);
  expect(namesIn(made.store)).toEqual([]);
});

test('repair does not name what somebody is just writing', async () => {
  await using made = await makeTestStore();
  await using _lease = await made.store.lease();
  await writeAll(made.store, image);
  {
    // As long as it is in its place and not written down yet.
    using database = new Database(join(made.path, 'meta.db'));
    database.run('DELETE FROM blobs');
  }
  expect((await repairStore(made.path)).restored).toEqual([]);
});

test('what is freed while inspect() looks at it is no damage', async () => {
  await using made = await makeTestStore();
  const { descriptor, bytes } = layerOf(1000);
  await made.store.write(descriptor, memoryContent(bytes));
  const blob = join(made.path, 'blobs', descriptor.digest.replace(':', '/'));
  // A process that has moved the file, and takes its time until it has noted that.
  const script = `
    import { Database } from 'bun:sqlite';
    import { rmSync } from 'node:fs';
    const database = new Database(${JSON.stringify(join(made.path, 'meta.db'))});
    database.run('BEGIN IMMEDIATE');
    database.run('DELETE FROM blobs');
    rmSync(${JSON.stringify(blob)});
    require('node:fs').writeSync(1, 'moved');
    Bun.sleepSync(300);
    database.run('COMMIT');`;
  const child = Bun.spawn([process.execPath, '--eval', script], { stdout: 'pipe' });
  await child.stdout.getReader().read();
  expect((await made.store.inspect()).damages).toEqual([]);
  expect(await child.exited).toBe(0);
});

test('a store that may not be written to cannot be repaired, and says which it is', async () => {
  await using made = await makeTestStore();
  await made.store[Symbol.asyncDispose]();
  await chmod(made.path, 0o555);
  await chmod(join(made.path, '..'), 0o755);
  const script = `
    import { repairStore } from ${JSON.stringify(join(import.meta.dir, '../../src/store/repair-store.ts'))};
    if (process.getuid() === 0) process.setuid(65534);
    const { message, hint } = await repairStore(${JSON.stringify(made.path)}).catch((error) => error);
    process.stdout.write(JSON.stringify({ message, hint }));`;
  const child = Bun.spawnSync([process.execPath, '--eval', script]);
  await chmod(made.path, 0o755);
  expect(JSON.parse(child.stdout.toString())).toEqual({
    message: `cannot write ${made.path}: permission denied`,
    hint: 'check it with: ls -ld, or choose another home with FINCH_HOME',
  });
});

test.skipIf(!mayInject())('a blob that the disk cannot read is forgotten by repair', async () => {
  await using made = await makeTestStore();
  const { descriptor, bytes } = layerOf(1000);
  await made.store.write(descriptor, memoryContent(bytes));
  await made.store[Symbol.asyncDispose]();
  const blob = join(made.path, 'blobs', descriptor.digest.replace(':', '/'));
  const repairer = Bun.spawnSync([
    ...['strace', '-f', '-qq', '-o', '/dev/null', '-P', blob, '-e', 'trace=pread64,read'],
    ...['-e', 'inject=pread64,read:error=EIO', process.execPath],
    ...[join(import.meta.dir, 'store-repairer.ts'), made.path, '0'],
  ]);
  expect([repairer.stdout.toString(), repairer.stderr.toString()]).toEqual(['0\n', '']);
  await using store = await made.reopen();
  expect(store.stat(descriptor.digest)).toBeUndefined();
});
