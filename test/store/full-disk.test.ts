import { expect, test } from 'bun:test';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { memoryContent } from '../../src/content.ts';
import { FinchError } from '../../src/errors.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { changeNames } from '../../src/store/change-names.ts';
import type { StoreDatabase } from '../../src/store/database.ts';
import { damagedDatabase } from '../../src/store/database-error.ts';
import { fileSize } from '../../src/store/layout.ts';
import { Leases } from '../../src/store/leases.ts';
import { openDatabase } from '../../src/store/open-database.ts';
import { freeBlobs } from '../../src/store/trash.ts';
import { writeBlob } from '../../src/store/write.ts';
import { layerOf, writeAll } from '../support/content-store-contract.ts';
import { buildImage } from '../support/images.ts';
import { contextOf, filesIn, makeTestStore } from './store-under-test.ts';

const image = buildImage();
const [layer, config] = image.order;

/** Makes SQLite say that the disk is full. */
function fill(database: StoreDatabase): void {
  database.run('PRAGMA max_page_count = 1');
  database.run('INSERT INTO foreign_entries VALUES (hex(randomblob(50000)), ?)', '{}');
}

test('on a full disk, what is freed with the space kept for that is freed as a whole', async () => {
  await using made = await makeTestStore();
  await writeAll(made.store, image);
  await writeFile(join(made.path, 'reserve'), 'some space');
  using database = openDatabase(join(made.path, 'meta.db'));
  const digests = [layer, config].flatMap((part) => part?.digest ?? []);
  let fills = 0;
  const store = contextOf(made, database);
  // As when damaged content is forgotten: what is looked at is the file.
  const isFree = (digest: Digest) => {
    if (digest === digests[1] && fills++ === 0) fill(database);
    return fileSize(store.layout.blob(digest)) !== undefined;
  };
  expect(await freeBlobs(store, { digests, isFree })).toEqual(digests);
  expect(await filesIn(made.path, 'trash')).toEqual([]);
  expect(await filesIn(made.path, 'blobs')).toEqual([image.root.digest.slice('sha256:'.length)]);
  expect(database.all('SELECT digest FROM blobs')).toEqual([{ digest: image.root.digest }]);
});

test('on a disk that stays full nothing is freed, in the database as among the files', async () => {
  await using made = await makeTestStore();
  await writeAll(made.store, image);
  const before = await filesIn(made.path, 'blobs');
  using database = openDatabase(join(made.path, 'meta.db'));
  const digests = [layer, config].flatMap((part) => part?.digest ?? []);
  const isFree = (digest: string) => {
    if (digest === digests[1]) fill(database);
    return true;
  };
  const freed = freeBlobs(contextOf(made, database), { digests, isFree });
  await expect(freed).rejects.toMatchObject({ code: 'IO' });
  expect(await filesIn(made.path, 'blobs')).toEqual(before);
  expect(database.all('SELECT digest FROM blobs')).toHaveLength(before.length);
});

test('a blob that cannot be written down leaves no file', async () => {
  await using made = await makeTestStore();
  using database = openDatabase(join(made.path, 'meta.db'));
  const broken = new FinchError('IO', 'the disk reported an error');
  class BrokenLeases extends Leases {
    override protectWithin(): void {
      throw broken;
    }
  }
  const store = { ...contextOf(made, database), leases: new BrokenLeases(database) };
  const { descriptor, bytes } = layerOf(1000);
  const written = writeBlob(store, descriptor, { content: memoryContent(bytes) });
  await expect(written).rejects.toBe(broken);
  expect([await filesIn(made.path, 'blobs'), await filesIn(made.path, 'ingest')]).toEqual([[], []]);
});

test('names are given also when the database cannot be read after that', async () => {
  await using made = await makeTestStore();
  await writeAll(made.store, image);
  using database = openDatabase(join(made.path, 'meta.db'));
  database.snapshot = () => {
    throw damagedDatabase(database.path);
  };
  const name = 'docker.io/library/a:1';
  await changeNames(contextOf(made, database), { set: [{ name, target: image.root }] });
  expect(made.store.name(name)?.target).toEqual(image.root);
});
