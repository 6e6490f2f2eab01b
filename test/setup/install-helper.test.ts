import { describe, expect, test } from 'bun:test';
import { chmod, lstat, mkdir, mkdtemp, readdir, rm, stat, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import {
  helperOf,
  helperPath,
  helperState,
  installHelper,
  removeHelper,
} from '../../src/setup/install-helper.ts';
import { temporaryFolder } from '../support/temporary.ts';

const MEMORY = '/dev/shm';
const hasOtherDisk = await differs(MEMORY);

async function differs(path: string): Promise<boolean> {
  await using folder = await temporaryFolder();
  const other = await stat(path).catch(() => undefined);
  return other !== undefined && other.dev !== (await stat(folder.path)).dev;
}

/** A program of this text. */
async function programIn(folder: string, text: string): Promise<string> {
  const path = join(folder, 'finch');
  await Bun.write(path, text);
  await chmod(path, 0o755);
  return path;
}

describe('installHelper()', () => {
  test('takes no space, and is gone without a trace afterwards', async () => {
    await using folder = await temporaryFolder();
    const home = join(folder.path, 'home');
    const program = await programIn(folder.path, 'finch');
    expect(await helperState({ home, program }, undefined)).toBe('absent');
    const helper = await helperOf(home, program);
    await installHelper(helper, program);
    expect((await stat(helperPath(home))).ino).toBe((await stat(program)).ino);
    expect((await stat(join(home, 'cred-helpers'))).mode & 0o777).toBe(0o700);
    expect(await helperState({ home, program }, undefined)).toBe('present');
    expect(await removeHelper(helper)).toBe(true);
    expect(await removeHelper(helper)).toBe(true);
    expect(await readdir(home)).toEqual([]);
  });

  test.skipIf(!hasOtherDisk)('is a copy on another disk, which is known again', async () => {
    await using folder = await temporaryFolder();
    const home = await mkdtemp(join(MEMORY, 'finch-test-'));
    try {
      const program = await programIn(folder.path, 'finch');
      const helper = await helperOf(home, program);
      await installHelper(helper, program);
      expect(await Bun.file(helperPath(home)).text()).toBe('finch');
      expect((await stat(helperPath(home))).mode & 0o777).toBe(0o700);
      expect(await helperState({ home, program }, helper)).toBe('present');
      expect(await helperState({ home, program }, undefined)).toBe('foreign');
      expect(await removeHelper(helper)).toBe(true);
      expect(await readdir(home)).toEqual([]);
    } finally {
      await rm(home, { recursive: true });
    }
  });

  test.skipIf(!hasOtherDisk)('is copied to where no link of another leads', async () => {
    await using folder = await temporaryFolder();
    const home = await mkdtemp(join(MEMORY, 'finch-test-'));
    try {
      const program = await programIn(folder.path, 'finch');
      const victim = join(folder.path, 'victim');
      await Bun.write(victim, 'mine');
      await mkdir(join(home, 'cred-helpers'));
      await symlink(victim, `${helperPath(home)}.new`);
      await installHelper(await helperOf(home, program), program);
      expect(await Bun.file(victim).text()).toBe('mine');
      expect(await readdir(join(home, 'cred-helpers'))).toEqual([basename(helperPath(home))]);
      expect((await lstat(helperPath(home))).isFile()).toBe(true);
    } finally {
      await rm(home, { recursive: true });
    }
  });

  test('is left when somebody has put another in its place', async () => {
    await using folder = await temporaryFolder();
    const home = join(folder.path, 'home');
    const program = await programIn(folder.path, 'finch');
    const helper = await helperOf(home, program);
    await installHelper(helper, program);
    await rm(helperPath(home));
    await Bun.write(helperPath(home), 'another');
    expect(await helperState({ home, program }, helper)).toBe('foreign');
    expect(await removeHelper(helper)).toBe(false);
    expect(await Bun.file(helperPath(home)).text()).toBe('another');
  });

  test('says what is wrong with its folder', async () => {
    await using folder = await temporaryFolder();
    const program = await programIn(folder.path, 'finch');
    const home = join(folder.path, 'home');
    await Bun.write(join(home, 'cred-helpers'), 'a file');
    const helper = await helperOf(home, program);
    await expect(installHelper(helper, program)).rejects.toMatchObject({ code: 'IO' });
  });
});
