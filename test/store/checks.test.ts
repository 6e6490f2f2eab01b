import { expect, test } from 'bun:test';
import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { memoryContent } from '../../src/content.ts';
import { hasBlob } from '../../src/store/has.ts';
import { openDatabase } from '../../src/store/open-database.ts';
import { SharedWork } from '../../src/store/shared-work.ts';
import { layerOf } from '../support/content-store-contract.ts';
import { contextOf, makeTestStore } from './store-under-test.ts';

/** Counts what it does. */
class CountedWork extends SharedWork<boolean> {
  count = 0;

  override do(...[key, work, options]: Parameters<SharedWork<boolean>['do']>): Promise<boolean> {
    const counted = (signal: AbortSignal) => {
      this.count++;
      return work(signal);
    };
    return super.do(key, counted, options);
  }
}

test('a file that was touched is hashed once for all who ask, also when some of them go away', async () => {
  await using made = await makeTestStore();
  const { descriptor, bytes } = layerOf(3_000_000);
  await made.store.write(descriptor, memoryContent(bytes));
  await utimes(join(made.path, 'blobs', descriptor.digest.replace(':', '/')), 1, 1);
  using database = openDatabase(join(made.path, 'meta.db'));
  const checks = new CountedWork();
  const store = { ...contextOf(made, database), checks };
  const leaving = new AbortController();
  const gone = hasBlob(store, descriptor, leaving);
  const others = [1, 2, 3].map(() => hasBlob(store, { ...descriptor, mediaType: 'text/plain' }));
  leaving.abort(new Error('gone'));
  await expect(gone).rejects.toThrow('gone');
  expect(await Promise.all(others)).toEqual([true, true, true]);
  expect(checks.count).toBe(1);
});
