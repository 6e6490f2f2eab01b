import { realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { systemCode } from '../errors.ts';
import { ioError } from '../host/io-error.ts';
import { memberPath } from '../streams/member-path.ts';
import { type FileTree, fileContent } from './file-tree.ts';

const ABSENT: readonly (string | undefined)[] = ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'];

/**
 * The files below `folder`. A symbolic link that leads out of it counts as absent.
 * @throws FinchError `IO` when the system refuses to read
 */
export function folderTree(folder: string): FileTree {
  return {
    async get(path) {
      const inside = memberPath(path);
      if (inside === undefined) return undefined;
      try {
        const root = await realpath(folder);
        const file = await realpath(join(root, inside));
        if (!file.startsWith(root.endsWith(sep) ? root : `${root}${sep}`)) return undefined;
        const stats = await stat(file);
        return stats.isFile() ? fileContent(file, { offset: 0, size: stats.size }) : undefined;
      } catch (error) {
        if (ABSENT.includes(systemCode(error))) return undefined;
        throw ioError(error, 'read', join(folder, inside));
      }
    },
  };
}
