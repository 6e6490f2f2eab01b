import { expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { holdFileLock, isLocked, withFileLock } from '../../src/host/file-lock.ts';
import { temporaryFolder } from '../support/temporary.ts';

test('a lock that is held says so until it is given back', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'lock');
  expect(isLocked(path)).toBe(false);
  expect(existsSync(path)).toBe(false);
  const held = await holdFileLock(path);
  expect(isLocked(path)).toBe(true);
  expect(await holdFileLock(path, { patienceMs: 0 })).toBeUndefined();
  held?.[Symbol.dispose]();
  expect(isLocked(path)).toBe(false);
  await withFileLock(path, async () => expect(isLocked(path)).toBe(true));
});

test('a lock is given back when its process is killed', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'lock');
  const source = join(import.meta.dir, '../../src/host/file-lock.ts');
  const script = `
    const { holdFileLock } = await import(${JSON.stringify(source)});
    globalThis.held = await holdFileLock(${JSON.stringify(path)});
    console.log('held');
    setInterval(() => {}, 1000);`;
  const child = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe' });
  for await (const _ of child.stdout) break;
  expect(isLocked(path)).toBe(true);
  child.kill('SIGKILL');
  await child.exited;
  expect(isLocked(path)).toBe(false);
});
