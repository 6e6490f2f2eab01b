import { expect, test } from 'bun:test';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../../src/oci/digest.ts';
import type { StoreDatabase } from '../../src/store/database.ts';
import { fileSize } from '../../src/store/layout.ts';
import { openDatabase } from '../../src/store/open-database.ts';
import { freeBlobs } from '../../src/store/trash.ts';
import { writeAll } from '../support/content-store-contract.ts';
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
