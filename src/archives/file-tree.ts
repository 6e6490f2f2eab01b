import type { AbortOptions, Content } from '../content.ts';
import { readRange } from '../streams/file-stream.ts';

/** The files of an archive by their paths in it, wherever they really lie. */
export interface FileTree {
  /**
   * The content of the file at `path`, `a/b` with no leading slash. Links are followed, but never out
   * of the tree. Undefined when there is no such file.
   * @throws FinchError `ARCHIVE_INVALID` when it is there in a form that finch does not read
   */
  get(path: string, options?: AbortOptions): Promise<Content | undefined>;
}

/** `size` bytes of a file of this machine from `offset` on. */
export function fileContent(
  path: string,
  { offset, size }: { offset: number; size: number },
): Content {
  return {
    size,
    file: { path, offset },
    stream: ({ start = 0, signal } = {}) =>
      readRange(path, { start: offset + start, end: offset + size, signal }),
  };
}
