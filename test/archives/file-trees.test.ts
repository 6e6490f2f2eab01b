import { describe, expect, test } from 'bun:test';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileTree } from '../../src/archives/file-tree.ts';
import { folderTree } from '../../src/archives/folder-tree.ts';
import { tarTree } from '../../src/archives/tar-tree.ts';
import { scanTar } from '../../src/streams/tar-reader.ts';
import { joined } from '../streams/byte-streams.ts';
import { type TarMember, tarFile } from '../support/tar.ts';
import { temporaryFolder } from '../support/temporary.ts';

async function text(tree: FileTree, path: string): Promise<string | undefined> {
  const content = await tree.get(path);
  return content && (await joined(content.stream())).toString();
}

async function treeOf(folder: string, members: readonly TarMember[]): Promise<FileTree> {
  const path = join(folder, 'test.tar');
  await Bun.write(path, tarFile(members));
  return tarTree(path, { members: await scanTar(path, { what: 'test.tar' }), what: 'test.tar' });
}

describe('tarTree()', () => {
  test('reads files where they lie', async () => {
    await using folder = await temporaryFolder();
    const tree = await treeOf(folder.path, [{ name: 'a/b', bytes: 'hello' }]);
    const content = await tree.get('a/b');
    expect(content).toMatchObject({
      size: 5,
      file: { path: join(folder.path, 'test.tar'), offset: 512 },
    });
    if (content === undefined) throw new Error('not found');
    expect((await joined(content.stream({ start: 2 }))).toString()).toBe('llo');
    expect(await tree.get('a')).toBeUndefined();
    expect(await tree.get('absent')).toBeUndefined();
  });

  test('follows symbolic and hard links, through folders that are links too', async () => {
    await using folder = await temporaryFolder();
    const tree = await treeOf(folder.path, [
      { name: 'one/layer.tar', bytes: 'first' },
      { name: 'two/layer.tar', type: '2', linkName: '../one/layer.tar' },
      { name: 'three/layer.tar', type: '2', linkName: '/two/layer.tar' },
      { name: 'four/layer.tar', type: '1', linkName: './three/layer.tar' },
      { name: 'five', type: '2', linkName: 'one' },
    ]);
    for (const path of ['one', 'two', 'three', 'four', 'five']) {
      expect(await text(tree, `${path}/layer.tar`)).toBe('first');
    }
  });

  test('finds nothing behind links that turn in a circle or leave the tree', async () => {
    await using folder = await temporaryFolder();
    const tree = await treeOf(folder.path, [
      { name: 'a', type: '2', linkName: 'b' },
      { name: 'b', type: '2', linkName: 'a' },
      { name: 'c', type: '1', linkName: 'c' },
      { name: 'd', type: '2', linkName: 'd/e' },
      { name: 'out', type: '2', linkName: '../../../../etc/hostname' },
    ]);
    for (const path of ['a', 'b', 'c', 'd', 'd/x', 'out']) {
      expect(await tree.get(path)).toBeUndefined();
    }
  });

  test('takes the last of members with one name', async () => {
    await using folder = await temporaryFolder();
    const tree = await treeOf(folder.path, [
      { name: 'a', bytes: 'old' },
      { name: './a', bytes: 'new' },
    ]);
    expect(await text(tree, 'a')).toBe('new');
  });

  test('refuses a sparse file, and names it', async () => {
    await using folder = await temporaryFolder();
    const tree = await treeOf(folder.path, [{ name: 'layer.tar', type: 'S', bytes: 'x' }]);
    await expect(tree.get('layer.tar')).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
      message: 'test.tar holds "layer.tar" as a sparse file, which finch does not read',
    });
  });
});

describe('folderTree()', () => {
  test('reads files and follows links inside the folder', async () => {
    await using folder = await temporaryFolder();
    await Bun.write(join(folder.path, 'in/a/b'), 'hello');
    await symlink('a', join(folder.path, 'in/link'));
    const tree = folderTree(join(folder.path, 'in'));
    expect(await text(tree, 'a/b')).toBe('hello');
    expect(await text(tree, 'link/b')).toBe('hello');
    expect(await tree.get('a')).toBeUndefined();
    expect(await tree.get('absent/b')).toBeUndefined();
    expect(await tree.get('a/b/c')).toBeUndefined();
  });

  test('finds nothing outside the folder', async () => {
    await using folder = await temporaryFolder();
    await Bun.write(join(folder.path, 'in/a'), 'inside');
    await Bun.write(join(folder.path, 'in-secret'), 'secret');
    await symlink('../in-secret', join(folder.path, 'in/out'));
    await symlink('out', join(folder.path, 'in/again'));
    await symlink('circle', join(folder.path, 'in/circle'));
    const tree = folderTree(join(folder.path, 'in'));
    for (const path of ['out', 'again', 'circle', '../in-secret']) {
      expect(await tree.get(path)).toBeUndefined();
    }
  });

  test('finds nothing under a name that no file can have', async () => {
    await using folder = await temporaryFolder();
    const tree = folderTree(folder.path);
    for (const path of ['a\0b', 'n'.repeat(300), 'a/'.repeat(5000), '']) {
      expect(await tree.get(path)).toBeUndefined();
    }
  });

  test.skipIf(process.platform === 'win32')(
    'finds no pipe, which would be waited for',
    async () => {
      await using folder = await temporaryFolder();
      expect(await Bun.spawn(['mkfifo', join(folder.path, 'pipe')]).exited).toBe(0);
      expect(await folderTree(folder.path).get('pipe')).toBeUndefined();
    },
  );
});
