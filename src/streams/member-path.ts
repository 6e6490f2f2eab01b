/** As long as a path can be on Linux. */
const MAX_LENGTH = 4096;

/**
 * The path that `text` names in a file tree, as `a/b`: without `.`, empty parts and leading slashes;
 * the root itself is the empty string.
 * @param folder what a relative `text` starts from, itself such a path; default: the root
 * @returns undefined when there can be no such file: `..` would leave the tree, it has a NUL, or more
 *   than 4096 characters
 */
export function memberPath(text: string, folder = ''): string | undefined {
  if (text.length > MAX_LENGTH || text.includes('\0')) return undefined;
  const parts: string[] = [];
  for (const part of (text.startsWith('/') ? text : `${folder}/${text}`).split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.join('/');
}

/** The folder that `path`, as {@link memberPath} gives it, lies in. */
export function parentPath(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
