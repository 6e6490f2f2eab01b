import { describe, expect, test } from 'bun:test';
import { mkdir, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { readTextFile } from '../../src/config/text-file.ts';
import { stageFile } from '../../src/host/atomic-file.ts';
import { changeFiles, type FileChange } from '../../src/setup/change-files.ts';
import { temporaryFolder } from '../support/temporary.ts';

const change = (path: string, before?: string, after?: string): FileChange => ({
  ...{ path, before, after },
});

describe('changeFiles()', () => {
  test('makes, changes and removes files at once', async () => {
    await using folder = await temporaryFolder();
    const [made, changed, removed] = ['made', 'changed', 'removed'].map((name) =>
      join(folder.path, name),
    ) as [string, string, string];
    await Bun.write(changed, 'old');
    await Bun.write(removed, 'old');
    const changes = [
      change(made, undefined, 'new'),
      change(changed, 'old', 'new'),
      change(removed, 'old'),
    ];
    expect(await changeFiles(changes, { locks: [`${changed}.lock`], read: readTextFile })).toBe(
      true,
    );
    expect(await Bun.file(made).text()).toBe('new');
    expect(await Bun.file(changed).text()).toBe('new');
    expect((await readdir(folder.path)).toSorted()).toEqual(['changed', 'changed.lock', 'made']);
  });

  test('changes nothing when one file is not what it was', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'a');
    const other = join(folder.path, 'b');
    await Bun.write(other, 'somebody else');
    const changes = [change(path, undefined, 'new'), change(other, 'old', 'new')];
    expect(await changeFiles(changes, { locks: [], read: readTextFile })).toBe(false);
    expect(await readdir(folder.path)).toEqual(['b']);
    expect(await Bun.file(other).text()).toBe('somebody else');
  });

  test('puts back what it has done when the last file cannot be written', async () => {
    await using folder = await temporaryFolder();
    const [made, changed, removed] = ['made', 'changed', 'removed'].map((name) =>
      join(folder.path, name),
    ) as [string, string, string];
    await Bun.write(join(folder.path, 'real'), 'old');
    await symlink('real', changed);
    await Bun.write(removed, 'old');
    // A file can be written beside a folder that is not empty, but cannot take its place.
    const full = join(folder.path, 'full');
    await mkdir(join(full, 'inside'), { recursive: true });
    const changes = [
      change(made, undefined, 'new'),
      change(changed, 'old', 'new'),
      change(removed, 'old'),
      change(full, undefined, 'new'),
    ];
    const read = async (path: string) => (path === full ? undefined : readTextFile(path));
    const failure = changeFiles(changes, { locks: [], read });
    await expect(failure).rejects.toMatchObject({ code: 'IO' });
    expect((await readdir(folder.path)).toSorted()).toEqual(['changed', 'full', 'real', 'removed']);
    expect(await Bun.file(join(folder.path, 'real')).text()).toBe('old');
    expect(await Bun.file(removed).text()).toBe('old');
  });

  test('removes what a killed process left beside the files', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'a');
    await stageFile(path, new TextEncoder().encode('left'), { owner: 'login' });
    expect(await readdir(folder.path)).toHaveLength(1);
    const changes = [change(path, undefined, 'new')];
    expect(await changeFiles(changes, { locks: [], read: readTextFile })).toBe(true);
    expect(await readdir(folder.path)).toEqual(['a']);
  });

  test('changes nothing when a folder cannot be written to', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'a');
    const changes = [
      change(path, undefined, 'new'),
      change(join(folder.path, 'missing/b'), undefined, 'new'),
    ];
    const failure = changeFiles(changes, { locks: [], read: readTextFile });
    await expect(failure).rejects.toMatchObject({ code: 'IO' });
    expect(await readdir(folder.path)).toEqual([]);
  });
});
