import { Database } from 'bun:sqlite';
import { expect, test } from 'bun:test';
import { readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { exportIndex } from '../../src/store/index-file.ts';
import { layoutAt, stampOf } from '../../src/store/layout.ts';
import { countGeneration, removeName } from '../../src/store/names.ts';
import { openDatabase } from '../../src/store/open-database.ts';
import { writeAll } from '../support/content-store-contract.ts';
import { buildImage, buildMultiPlatform, layoutFiles } from '../support/images.ts';
import { contextOf, makeTestStore } from './store-under-test.ts';

const image = buildImage();
const other = buildMultiPlatform('linux/amd64', 'linux/arm64');
const readIndex = async (path: string) =>
  JSON.parse(await readFile(join(path, 'index.json'), 'utf8'));

test('index.json is there from the beginning, and shows every name in both annotations', async () => {
  await using made = await makeTestStore();
  const empty = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [] };
  expect(await readIndex(made.path)).toEqual(empty);
  await writeAll(made.store, image);
  const names = [
    ['docker.io/library/hello-finch:latest', 'hello-finch:latest'],
    ['ghcr.io/me/app:1', 'ghcr.io/me/app:1'],
  ] as const;
  const set = names.map(([name]) => ({ name, target: image.root }));
  await made.store.changeNames({ set });
  expect(await readIndex(made.path)).toEqual({
    ...empty,
    manifests: names.map(([name, familiar]) => ({
      ...image.root,
      annotations: {
        'org.opencontainers.image.ref.name': familiar,
        'io.containerd.image.name': name,
      },
    })),
  });
  await made.store.changeNames({ remove: names.map(([name]) => name) });
  expect(await readIndex(made.path)).toEqual(empty);
});

test('of several exports at once, the newest names win', async () => {
  await using made = await makeTestStore();
  await writeAll(made.store, image);
  const stores = await Promise.all([1, 2, 3, 4].map(() => made.reopen()));
  await Promise.all(
    Array.from({ length: 24 }, (_, i) =>
      (stores[i % stores.length] ?? made.store).changeNames({
        set: [{ name: `docker.io/library/n:${i}`, target: image.root }],
      }),
    ),
  );
  expect((await readIndex(made.path)).manifests).toHaveLength(24);
  for (const store of stores) await store[Symbol.asyncDispose]();
});

test('a name that another program adds to index.json is taken over, also beside a change of ours', async () => {
  await using made = await makeTestStore();
  await writeAll(made.store, image);
  await made.store.changeNames({ set: [{ name: 'docker.io/library/a:1', target: image.root }] });
  await addForeign(made.path, 'foreign:1');
  await made.store.changeNames({ set: [{ name: 'docker.io/library/b:1', target: image.root }] });
  const names = ['docker.io/library/a:1', 'docker.io/library/b:1', 'docker.io/library/foreign:1'];
  expect(
    made.store
      .names()
      .map(({ name }) => name)
      .sort(),
  ).toEqual(names);
  expect((await readIndex(made.path)).manifests).toHaveLength(3);
  expect((await made.store.collect()).digests).toEqual([]);
});

test('a store that opens sees what another program added, and what it moved', async () => {
  await using made = await makeTestStore();
  await writeAll(made.store, image);
  await made.store.changeNames({ set: [{ name: 'docker.io/library/a:1', target: image.root }] });
  await addForeign(made.path, 'a:1');
  await using second = await made.reopen();
  expect(second.name('docker.io/library/a:1')?.target).toEqual(other.root);
});

test('entries without a name, with a broken one, or without their blobs are not taken over', async () => {
  await using made = await makeTestStore();
  const entry = (name: string) => ({
    ...other.root,
    annotations: { 'org.opencontainers.image.ref.name': name },
  });
  const manifests = [entry('gone:1'), entry('UPPER:1'), other.root, 'nonsense', null];
  await writeFile(join(made.path, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
  await using second = await made.reopen();
  expect(second.names()).toEqual([]);
  await writeFile(join(made.path, 'index.json'), '{"manifests": [');
  await using third = await made.reopen();
  expect(third.names()).toEqual([]);
});

test('the names come back from index.json when the database is gone', async () => {
  await using made = await makeTestStore();
  await writeAll(made.store, other);
  await made.store.changeNames({ set: [{ name: 'docker.io/library/a:1', target: other.root }] });
  await made.store[Symbol.asyncDispose]();
  for (const suffix of ['', '-wal', '-shm']) {
    await rm(join(made.path, `meta.db${suffix}`), { force: true });
  }
  await using again = await made.reopen();
  expect(again.names().map(({ name }) => name)).toEqual(['docker.io/library/a:1']);
  expect((await again.collect()).digests).toEqual([]);
  for (const descriptor of other.order) expect(await again.has(descriptor)).toBe(true);
});

test('index.json is written again after someone removed it', async () => {
  await using made = await makeTestStore();
  await writeAll(made.store, image);
  await made.store.changeNames({ set: [{ name: 'docker.io/library/a:1', target: image.root }] });
  await rm(join(made.path, 'index.json'));
  await made.store.collect();
  expect((await readIndex(made.path)).manifests).toHaveLength(1);
});

test('a change of names stands when index.json cannot be written, and the next change writes it', async () => {
  await using made = await makeTestStore();
  await writeAll(made.store, image);
  const file = join(made.path, 'index.json');
  await rm(file);
  await symlink(join(made.path, 'no-such-folder', 'index.json'), file);
  await made.store.changeNames({ set: [{ name: 'docker.io/library/a:1', target: image.root }] });
  expect(made.store.names()).toHaveLength(1);
  await rm(file);
  await made.store.changeNames({ set: [{ name: 'docker.io/library/b:1', target: image.root }] });
  expect((await readIndex(made.path)).manifests).toHaveLength(2);
});

test('what a finch exported that was killed right after is not taken for that of another program', async () => {
  await using made = await makeTestStore();
  await writeAll(made.store, image);
  const target = image.root;
  await made.store.changeNames({ set: [{ name: 'docker.io/library/old:1', target }] });
  const snapshot = await readFile(join(made.path, 'index.json'));
  await made.store.changeNames({ remove: ['docker.io/library/old:1'] });
  const staged = join(made.path, '.finch-staged.tmp');
  await writeFile(staged, snapshot);
  using database = new Database(join(made.path, 'meta.db'));
  database.run('UPDATE index_file SET pending = ?, exported = exported - 1', [stampOf(staged)]);
  await rename(staged, join(made.path, 'index.json'));
  await using second = await made.reopen();
  expect(second.names()).toEqual([]);
  await second.changeNames({ set: [{ name: 'docker.io/library/new:1', target }] });
  expect(second.names().map(({ name }) => name)).toEqual(['docker.io/library/new:1']);
  expect((await readIndex(made.path)).manifests).toHaveLength(1);
});

test('entries without a usable name stay in index.json, and their blobs in the store, until they are taken out', async () => {
  await using made = await makeTestStore();
  await writeAll(made.store, image);
  await addForeign(made.path, 'Not A Name');
  const entry = (await readIndex(made.path)).manifests[0];
  const unnamed = { ...other.root, annotations: { mine: 'yes' }, extra: [1] };
  const write = (manifests: readonly unknown[]) =>
    writeFile(join(made.path, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
  await write([entry, unnamed]);
  await made.store.changeNames({ set: [{ name: 'docker.io/library/a:1', target: image.root }] });
  const { manifests } = await readIndex(made.path);
  expect(manifests).toHaveLength(3);
  expect(manifests).toContainEqual(entry);
  expect(manifests).toContainEqual(unnamed);
  made.clock += 48 * 60 * 60 * 1000;
  expect((await made.store.collect()).digests).toEqual([]);
  expect(await made.store.remove(other.root.digest)).toBe(false);
  for (const descriptor of other.order) expect(await made.store.has(descriptor)).toBe(true);
  await write(manifests.slice(0, 1));
  expect((await made.store.collect()).digests).toContain(other.root.digest);
  expect((await readIndex(made.path)).manifests).toHaveLength(1);
});

const skopeo = Bun.which('skopeo');
test.skipIf(skopeo === null)(
  'skopeo reads the store as it stands, and writes into it',
  async () => {
    await using made = await makeTestStore();
    await writeAll(made.store, other);
    await made.store.changeNames({
      set: [{ name: 'docker.io/library/hello-finch:latest', target: other.root }],
    });
    const run = (...args: readonly string[]) => {
      const result = Bun.spawnSync([skopeo ?? '', ...args], { stderr: 'pipe' });
      expect(result.stderr.toString()).toBe('');
      return result.stdout.toString();
    };
    const layout = `oci:${made.path}`;
    expect(run('inspect', '--raw', `${layout}:hello-finch:latest`)).toBe(
      new TextDecoder().decode(other.blobs.get(other.root.digest)),
    );
    const aside = `${made.path}-copy`;
    run('copy', '--quiet', '--all', `${layout}:hello-finch:latest`, `oci:${aside}:copied:2`);
    run('copy', '--quiet', '--all', `oci:${aside}:copied:2`, `${layout}:foreign:2`);
    await using second = await made.reopen();
    expect(second.name('docker.io/library/foreign:2')?.target.digest).toBe(other.root.digest);
    expect(second.names()).toHaveLength(2);
  },
);

/** Writes an image into the layout as other tools do: the blobs, then a changed index.json, not in one step. */
async function addForeign(path: string, name: string): Promise<void> {
  const annotations = { 'org.opencontainers.image.ref.name': name };
  const files = layoutFiles(other, annotations);
  for (const [file, bytes] of files) {
    if (file.startsWith('blobs/')) await writeFile(join(path, file), bytes);
  }
  const index = await readIndex(path);
  const kept = index.manifests.filter(
    (entry: { annotations: Record<string, string> }) =>
      entry.annotations['org.opencontainers.image.ref.name'] !== name,
  );
  const manifests = [...kept, { ...other.root, annotations }];
  await writeFile(join(path, 'index.json'), JSON.stringify({ ...index, manifests }));
}

test('what is published shows the names of its moment, also when they change while it is written', async () => {
  await using made = await makeTestStore();
  await writeAll(made.store, image);
  const name = 'docker.io/library/n:';
  const set = [1, 2].map((n) => ({ name: `${name}${n}`, target: image.root }));
  await made.store.changeNames({ set });
  const layout = layoutAt(made.path);
  using database = openDatabase(layout.database);
  database.transaction(() => countGeneration(database));
  const snapshot = database.snapshot.bind(database);
  let changes = 0;
  database.snapshot = (work) => {
    const read = snapshot(work);
    if (changes++ === 0) {
      using other = openDatabase(layout.database);
      other.transaction(() => removeName(other, `${name}1`) && countGeneration(other));
    }
    return read;
  };
  expect(await exportIndex(contextOf(made, database))).toBe('written');
  const { manifests } = await readIndex(made.path);
  expect(manifests).toHaveLength(1);
});
