import { Database } from 'bun:sqlite';
import { describe, expect, test } from 'bun:test';
import { utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../../src/oci/digest.ts';
import { writeAll } from '../support/content-store-contract.ts';
import { buildImage } from '../support/images.ts';
import { filesIn, makeTestStore, type TestStore } from './store-under-test.ts';

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;
/** A process of another machine. */
const UNSEEN = '12.34.abc.56.78';
const image = buildImage();

/** Puts the image under the lease of a process that cannot be seen from here. */
function leaseUnseen({ path, clock }: TestStore): void {
  using database = new Database(join(path, 'meta.db'));
  database.run('INSERT INTO leases VALUES (?, ?, ?)', ['unseen', UNSEEN, clock]);
  database.run('INSERT INTO lease_blobs VALUES (?, ?)', ['unseen', image.root.digest]);
}

test('what a process that cannot be seen protects stays when the clock goes back, and ends a day after', async () => {
  await using made = await makeTestStore();
  await writeAll(made.store, image);
  leaseUnseen(made);
  made.clock = Date.UTC(1970, 0);
  expect((await made.store.collect()).digests).toEqual([]);
  made.clock += DAY_MS - HOUR_MS;
  expect((await made.store.collect()).digests).toEqual([]);
  made.clock += 2 * HOUR_MS;
  expect((await made.store.collect()).digests).toHaveLength(3);
});

test('a clock that goes far ahead takes nothing from a process that lives', async () => {
  await using made = await makeTestStore();
  await using second = await made.reopen();
  await using _lease = await second.lease();
  await writeAll(second, image);
  await writeFile(join(made.path, 'ingest', 'half-received'), 'x');
  made.clock += 1000 * 365 * DAY_MS;
  expect((await made.store.collect()).digests).toEqual([]);
  expect(await second.has(image.root)).toBe(true);
});

test('files from the future begin to age when they are seen', async () => {
  await using made = await makeTestStore();
  const ingested = join(made.path, 'ingest', `${UNSEEN}-1`);
  const foreign = join(made.path, 'blobs/sha256', 'a'.repeat(64));
  const future = new Date(made.clock + 365 * DAY_MS);
  for (const path of [ingested, foreign]) {
    await writeFile(path, 'x');
    await utimes(path, future, future);
  }
  await made.store.collect();
  expect(await filesIn(made.path, 'ingest')).toHaveLength(1);
  expect(await filesIn(made.path, 'blobs')).toHaveLength(1);
  made.clock += 2 * HOUR_MS;
  await made.store.collect();
  expect(await filesIn(made.path, 'ingest')).toHaveLength(1);
  expect(await filesIn(made.path, 'blobs')).toEqual([]);
  made.clock += DAY_MS;
  await made.store.collect();
  expect(await filesIn(made.path, 'ingest')).toEqual([]);
});

test('a time that no calendar has is shown as the last one', async () => {
  await using made = await makeTestStore();
  await writeAll(made.store, image);
  await made.store.changeNames({ set: [{ name: 'docker.io/library/a:1', target: image.root }] });
  using database = new Database(join(made.path, 'meta.db'));
  database.run('UPDATE names SET created_at = 9000000000000000');
  expect(made.store.names()[0]?.createdAt.getTime()).toBe(8.64e15);
});

describe('a lease that is in use for days, of a process that others cannot see', () => {
  /** Looks at the store as a process of another machine does. */
  async function collectElsewhere(made: TestStore): Promise<readonly Digest[]> {
    using database = new Database(join(made.path, 'meta.db'));
    database.run('UPDATE leases SET owner = ?', [UNSEEN]);
    await using other = await made.reopen();
    return (await other.collect()).digests;
  }

  test('protects what it touched, when something is touched now and then', async () => {
    await using made = await makeTestStore();
    await using _lease = await made.store.lease();
    await writeAll(made.store, image);
    for (let hour = 0; hour < 48; hour += 12) {
      made.clock += 12 * HOUR_MS;
      expect(await made.store.has(image.root)).toBe(true);
      expect(await collectElsewhere(made)).toEqual([]);
    }
  });

  test('protects what was touched since it last expired', async () => {
    await using made = await makeTestStore();
    await using lease = await made.store.lease();
    for (let hour = 0; hour < 48; hour += 12) {
      await writeAll(made.store, image);
      made.clock += 12 * HOUR_MS;
      lease.expire();
      expect(await collectElsewhere(made)).toEqual([]);
    }
  });
});
