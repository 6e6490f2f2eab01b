import { Database } from 'bun:sqlite';
import { expect, test } from 'bun:test';
import { cp, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../../src/errors.ts';
import { openImageStore } from '../../src/store/open-store.ts';
import { repairStore } from '../../src/store/repair-store.ts';
import { mayInject } from '../e2e/support/injected.ts';
import { writeAll } from '../support/content-store-contract.ts';
import { buildImage, layerTar } from '../support/images.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { filesIn, writeReferrer } from './store-under-test.ts';

const HOUR_MS = 60 * 60 * 1000;
const NAMES = ['docker.io/library/a:1', 'docker.io/library/b:1'];

/** Makes a store whose names only its damaged database still has. */
async function makeDamaged(path: string): Promise<void> {
  {
    await using store = await openImageStore(path);
    for (const name of NAMES) {
      const image = buildImage({ layers: [layerTar(name)] });
      await writeAll(store, image);
      await writeReferrer(store, image.root);
      await store.changeNames({ set: [{ name, target: image.root }] });
    }
  }
  using database = new Database(join(path, 'meta.db'));
  database.run('PRAGMA wal_checkpoint(TRUNCATE)');
  const { rootpage } = database
    .query<{ rootpage: number }, []>("SELECT rootpage FROM sqlite_schema WHERE name = 'edges'")
    .get() ?? { rootpage: 1 };
  await using file = await open(join(path, 'meta.db'), 'r+');
  await file.write(new Uint8Array(4096).fill(0xff), 0, 4096, (rootpage - 1) * 4096);
  await rm(join(path, 'index.json'));
}

/** Repairs in a process that is killed at its `count`th such call; whether it came that far. */
function killAt(call: string, count: number, path: string): boolean {
  const script = join(import.meta.dir, 'store-repairer.ts');
  const argv = [
    ...['strace', '-f', '-qq', '-o', '/dev/null', '-e', `trace=${call}`],
    ...['-e', `inject=${call}:signal=KILL:when=${count}`],
    ...[process.execPath, script, path, '0'],
  ];
  return !Bun.spawnSync(argv).success;
}

/** What the commands after a kill do, an hour later: the user repairs when they say so. */
async function collectLater(path: string): Promise<readonly string[]> {
  const now = () => new Date(Date.now() + 2 * HOUR_MS);
  for (;;) {
    try {
      await using store = await openImageStore(path, { now });
      await store.collect();
      expect(await store.inspect()).toMatchObject({ damages: [] });
      return store.names().map(({ name }) => name);
    } catch (error) {
      if (!hasCode(error, 'STORE_UNUSABLE')) throw error;
      await repairStore(path, { now });
    }
  }
}

test.skipIf(!mayInject()).each([
  ['rename', [1, 2, 3, 4]],
  ['pwrite64', [1, 9, 20, 45]],
  ['unlink', [2, 4]],
] as const)(
  'a repair that is killed at any %s loses no image',
  async (call, counts) => {
    await using folder = await temporaryFolder();
    const damaged = join(folder.path, 'damaged');
    await makeDamaged(damaged);
    const blobs = await filesIn(damaged, 'blobs');
    for (const count of counts) {
      const path = join(folder.path, `${call}-${count}`);
      await cp(damaged, path, { recursive: true, preserveTimestamps: true });
      if (!killAt(call, count, path)) break;
      expect(await collectLater(path)).toEqual(expect.arrayContaining(NAMES));
      expect(await filesIn(path, 'blobs')).toEqual(blobs);
      const left = (await readdir(path)).filter((file) => file.startsWith('.finch-'));
      expect(left).toEqual([]);
      // What signatures were named for the time being goes.
      await repairStore(path);
      expect((await collectLater(path)).toSorted()).toEqual(NAMES);
      expect(await filesIn(path, 'blobs')).toEqual(blobs);
    }
  },
  30_000,
);
