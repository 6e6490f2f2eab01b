import { describe, expect, test } from 'bun:test';
import { chmod, lstat, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stageFile, syncFolder, writeFileAtomic } from '../../src/host/atomic-file.ts';
import { temporaryFolder } from '../support/temporary.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('writeFileAtomic()', () => {
  test('makes a file with the bytes and the mode, and leaves nothing beside it', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'config.json');
    await writeFileAtomic(path, bytes('{}'), { mode: 0o600 });
    expect(await readFile(path, 'utf8')).toBe('{}');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder.path)).toEqual(['config.json']);
  });

  test('replaces a file, also one that is read-only, with a new inode', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'file');
    await writeFile(path, 'old and longer');
    await chmod(path, 0o444);
    const before = await stat(path);
    await writeFileAtomic(path, bytes('new'));
    expect(await readFile(path, 'utf8')).toBe('new');
    expect((await stat(path)).ino).not.toBe(before.ino);
  });

  test('follows a symbolic link and keeps it', async () => {
    await using folder = await temporaryFolder();
    await mkdir(join(folder.path, 'real'));
    const target = join(folder.path, 'real', 'config.json');
    await writeFile(target, 'old');
    const link = join(folder.path, 'config.json');
    await symlink(join('real', 'config.json'), link);
    await writeFileAtomic(link, bytes('new'));
    expect((await lstat(link)).isSymbolicLink()).toBe(true);
    expect(await readFile(target, 'utf8')).toBe('new');
  });

  test('makes the file that a dangling link points at', async () => {
    await using folder = await temporaryFolder();
    await symlink('second', join(folder.path, 'first'));
    await symlink('third', join(folder.path, 'second'));
    await writeFileAtomic(join(folder.path, 'first'), bytes('x'));
    expect(await readFile(join(folder.path, 'third'), 'utf8')).toBe('x');
    expect((await lstat(join(folder.path, 'first'))).isSymbolicLink()).toBe(true);
  });

  test('throws IO for links in a circle and for a folder that does not exist', async () => {
    await using folder = await temporaryFolder();
    await symlink('b', join(folder.path, 'a'));
    await symlink('a', join(folder.path, 'b'));
    await expect(writeFileAtomic(join(folder.path, 'a'), bytes('x'))).rejects.toMatchObject({
      code: 'IO',
    });
    const path = join(folder.path, 'missing', 'file');
    await expect(writeFileAtomic(path, bytes('x'))).rejects.toMatchObject({
      code: 'IO',
      message: `cannot write ${path}: no such file or folder`,
    });
  });

  test('removes its temporary file when the name is taken by a folder', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'taken');
    await mkdir(path);
    await expect(writeFileAtomic(path, bytes('x'))).rejects.toMatchObject({ code: 'IO' });
    expect(await readdir(folder.path)).toEqual(['taken']);
  });

  test('lets a reader see only whole files while it is written again and again', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'file');
    const versions = ['a', 'b'].map((letter) => letter.repeat(50_000));
    await writeFileAtomic(path, bytes('a'.repeat(50_000)));
    const seen = new Set<string>();
    await Promise.all([
      (async () => {
        for (let i = 0; i < 20; i++) await writeFileAtomic(path, bytes(versions[i % 2] ?? ''));
      })(),
      (async () => {
        for (let i = 0; i < 40; i++) seen.add(await readFile(path, 'utf8'));
      })(),
    ]);
    expect([...seen].every((text) => versions.includes(text))).toBe(true);
  });
});

describe('stageFile()', () => {
  test('keeps the old file until publish() and removes its own without it', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'file');
    await writeFile(path, 'old');
    {
      await using _staged = await stageFile(path, bytes('unwanted'));
      expect(await readdir(folder.path)).toHaveLength(2);
    }
    expect(await readdir(folder.path)).toEqual(['file']);
    await using staged = await stageFile(path, bytes('new'));
    expect(await readFile(path, 'utf8')).toBe('old');
    staged.publish();
    expect(await readFile(path, 'utf8')).toBe('new');
  });

  test('publish() does nothing when the file has its name already', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'file');
    await using staged = await stageFile(path, bytes('new'));
    staged.publish();
    await writeFile(path, 'newer');
    staged.publish();
    expect(await readFile(path, 'utf8')).toBe('newer');
  });
});

test('syncFolder() throws IO for a folder that is not there', async () => {
  await using folder = await temporaryFolder();
  await expect(syncFolder(join(folder.path, 'none'))).rejects.toMatchObject({ code: 'IO' });
});
