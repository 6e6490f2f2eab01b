import type { FileHandle } from 'node:fs/promises';
import { systemCode } from '../errors.ts';

/** What systems say where a file has no rights that could change, or where others decide about them. */
const NOT_POSSIBLE = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL'];

/**
 * Takes the right to write from an open file, as a fence against mistakes. A file system without such
 * rights (FAT, some network shares) does without the fence.
 * @throws the system's error when it has another reason
 */
export async function makeReadOnly(file: FileHandle): Promise<void> {
  try {
    await file.chmod(0o444);
  } catch (error) {
    if (!NOT_POSSIBLE.includes(systemCode(error) ?? '')) throw error;
  }
}
