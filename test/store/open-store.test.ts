import { Database } from 'bun:sqlite';
import { expect, test } from 'bun:test';
import { statSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryContent } from '../../src/content.ts';
import { currentOwner, ingestName } from '../../src/host/owner.ts';
import { openImageStore } from '../../src/store/open-store.ts';
import { layerOf, writeAll } from '../support/content-store-contract.ts';
import { buildImage } from '../support/images.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { filesIn, makeTestStore } from './store-under-test.ts';

test('a new store is an empty OCI image layout', async () => {
  await using made = await makeTestStore();
  expect(made.store.names()).toEqual([]);
  expect((await readdir(made.path)).filter((file) => !file.startsWith('meta.db')).sort()).toEqual([
    'blobs',
    'index.json',
    'ingest',
    'oci-layout',
    'reserve',
    'trash',
  ]);
});

test('the database of a newer finch is refused with a hint, and left alone', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'meta.db');
  const database = new Database(path);
  database.run('PRAGMA user_version = 99');
  database.close();
  await expect(openImageStore(folder.path)).rejects.toMatchObject({
    code: 'STORE_UNUSABLE',
    hint: expect.stringContaining('update finch'),
  });
  expect(await readdir(folder.path)).toEqual(['meta.db']);
});

test('a damaged database is refused with a hint', async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, 'meta.db'), 'this is no database, whatever its name says');
  await expect(openImageStore(folder.path)).rejects.toMatchObject({
    code: 'STORE_UNUSABLE',
    message: expect.stringContaining('meta.db is damaged'),
  });
});

test('a home that is no folder is an IO error that names it', async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, 'home'), '');
  const path = join(folder.path, 'home', 'store');
  await expect(openImageStore(path)).rejects.toMatchObject({
    code: 'IO',
    message: expect.stringContaining(path),
  });
});

test('the folders come back when someone removed the empty ones', async () => {
  await using made = await makeTestStore();
  const { descriptor, bytes } = layerOf(10);
  for (const folder of ['blobs', 'ingest', 'trash']) {
    await rm(join(made.path, folder), { recursive: true });
  }
  await made.store.write(descriptor, memoryContent(bytes));
  expect(await made.store.has(descriptor)).toBe(true);
  await rm(join(made.path, 'trash'), { recursive: true });
  expect((await made.store.collect()).digests).toHaveLength(1);
});

test('a home without write permission can be read, and says so when it is to be changed', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'store');
  const image = buildImage();
  {
    await using store = await openImageStore(path);
    await writeAll(store, image);
    await store.changeNames({ set: [{ name: 'docker.io/library/a:1', target: image.root }] });
  }
  await mkdir(join(folder.path, 'empty'));
  for (const locked of [path, join(folder.path, 'empty')]) await chmod(locked, 0o555);
  await chmod(folder.path, 0o755);
  const reader = Bun.spawnSync(
    [
      process.execPath,
      join(import.meta.dir, 'read-only-reader.ts'),
      path,
      join(folder.path, 'empty', 'store'),
    ],
    { stderr: 'pipe' },
  );
  for (const locked of [path, join(folder.path, 'empty')]) await chmod(locked, 0o755);
  expect(reader.stderr.toString()).toBe('');
  expect(JSON.parse(reader.stdout.toString())).toEqual([
    {
      names: ['docker.io/library/a:1'],
      has: true,
      error: `IO the store ${path}/meta.db is read-only`,
    },
    {
      names: [],
      has: false,
      error: `IO the store ${folder.path}/empty/store/meta.db is read-only`,
    },
  ]);
});

test('a store that opens for writing removes what killed processes left, and nothing else', async () => {
  await using made = await makeTestStore();
  const owner = join(import.meta.dir, '../../src/host/owner.ts');
  const script = `
    import { currentOwner } from ${JSON.stringify(owner)};
    process.stdout.write(currentOwner());`;
  const dead = Bun.spawnSync([process.execPath, '--eval', script]).stdout.toString();
  const alive = ingestName(currentOwner());
  const folders = ['ingest', 'uploads', 'trash'];
  for (const folder of folders) {
    for (const name of [ingestName(dead), alive])
      await Bun.write(join(made.path, folder, name), 'x');
  }
  await using _second = await made.reopen();
  for (const folder of folders) expect(await filesIn(made.path, folder)).toEqual([alive]);
});

test('a meta.db that alone may not be written to can be read, also one that is empty', async () => {
  await using folder = await temporaryFolder();
  const [path, empty] = [join(folder.path, 'store'), join(folder.path, 'empty')];
  const image = buildImage();
  {
    await using store = await openImageStore(path);
    await writeAll(store, image);
    await store.changeNames({ set: [{ name: 'docker.io/library/a:1', target: image.root }] });
  }
  await mkdir(empty);
  await writeFile(join(empty, 'meta.db'), '');
  for (const store of [path, empty]) {
    await chmod(join(store, 'meta.db'), 0o444);
    await chmod(store, 0o777);
  }
  await chmod(folder.path, 0o755);
  const script = join(import.meta.dir, 'read-only-reader.ts');
  const reader = Bun.spawnSync([process.execPath, script, path, empty]);
  expect(reader.stderr.toString()).toBe('');
  expect(JSON.parse(reader.stdout.toString())).toEqual([
    {
      names: ['docker.io/library/a:1'],
      has: true,
      error: `IO the store ${path}/meta.db is read-only`,
    },
    { names: [], has: false, error: `IO the store ${empty}/meta.db is read-only` },
  ]);
});

const otherDisk = statSync('/dev/shm', { throwIfNoEntry: false })?.dev;

test.skipIf(otherDisk === undefined || otherDisk === statSync(tmpdir()).dev)(
  'a folder of blobs on another disk is an error with a hint',
  async () => {
    await using made = await makeTestStore();
    const elsewhere = await mkdtemp('/dev/shm/finch-test-');
    try {
      await rm(join(made.path, 'blobs'), { recursive: true });
      await symlink(elsewhere, join(made.path, 'blobs'));
      const { descriptor, bytes } = layerOf(10);
      await expect(made.store.write(descriptor, memoryContent(bytes))).rejects.toMatchObject({
        message: expect.stringMatching(/^cannot write .*blobs.*: it is on another file system$/),
        hint: 'keep the whole home on one file system',
      });
      expect(await filesIn(made.path, 'ingest')).toEqual([]);
    } finally {
      await rm(elsewhere, { recursive: true });
    }
  },
);
