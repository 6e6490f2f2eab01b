import { Database } from 'bun:sqlite';
import { expect, test } from 'bun:test';
import { chown, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { holdFileLock, withFileLock } from '../../src/host/file-lock.ts';
import { temporaryFolder } from '../support/temporary.ts';

test('withFileLock() lets one piece of work at a time have the lock, and makes one empty file', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'lock');
  let inside = 0;
  const work = async () => {
    expect(++inside).toBe(1);
    expect(await readdir(folder.path)).toEqual(['lock']);
    inside--;
  };
  await Promise.all(Array.from({ length: 5 }, () => withFileLock(path, work)));
  expect((await stat(path)).size).toBe(0);
});

test('withFileLock() gives up at once without patience, and gives the lock back when work fails', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'lock');
  const never = () => Promise.reject(new Error('the lock was free'));
  await withFileLock(path, async () => {
    const second = withFileLock(path, never, { patienceMs: 0 });
    await expect(second).rejects.toMatchObject({
      code: 'IO',
      message: `another program keeps ${path} locked`,
    });
  });
  await expect(withFileLock(path, never)).rejects.toThrow('the lock was free');
  expect(await withFileLock(path, async () => 'free', { patienceMs: 0 })).toBe('free');
});

test.skipIf(process.getuid?.() !== 0)(
  'a lock that root makes is for the owner of the folder',
  async () => {
    await using folder = await temporaryFolder();
    await chown(folder.path, 12, 34);
    const path = join(folder.path, 'lock');
    await withFileLock(path, async () => {});
    const { uid, gid } = await stat(path);
    expect([uid, gid]).toEqual([12, 34]);
  },
);

test('withFileLock() tells once that it waits for who holds the lock, and not for who only looks at it', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'lock');
  let told = 0;
  const onWait = () => void told++;
  using reader = new Database(path, { create: true });
  reader.run('BEGIN');
  reader.query('SELECT 1 FROM sqlite_master').all();
  const behindReader = withFileLock(path, async () => {}, { onWait });
  reader.run('COMMIT');
  await behindReader;
  expect(told).toBe(0);
  const wasTold = Promise.withResolvers<void>();
  const release = await holdFileLock(path);
  const behindHolder = withFileLock(path, async () => {}, {
    onWait: () => {
      onWait();
      wasTold.resolve();
    },
  });
  await wasTold.promise;
  release?.[Symbol.dispose]();
  await behindHolder;
  expect(told).toBe(1);
});
