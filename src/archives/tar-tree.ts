import { FinchError } from '../errors.ts';
import { memberPath, parentPath } from '../streams/member-path.ts';
import type { TarMember } from '../streams/tar-reader.ts';
import { quote } from '../text.ts';
import { type FileTree, fileContent } from './file-tree.ts';

/** As many links in a row as Linux follows. */
const MAX_LINKS = 40;

/**
 * The files in the plain tar file at `file`, read where they lie. Of members with the same name the last counts.
 * @param what names the archive in messages
 */
export function tarTree(
  file: string,
  { members, what }: { members: readonly TarMember[]; what: string },
): FileTree {
  const byName = new Map(members.map((member) => [member.name, member]));
  return {
    async get(path) {
      const member = follow(byName, path);
      if (member?.type === 'sparse') {
        throw new FinchError(
          'ARCHIVE_INVALID',
          `${what} holds ${quote(member.name)} as a sparse file, which finch does not read`,
          { hint: 'make the archive again without --sparse' },
        );
      }
      return member?.type === 'file' ? fileContent(file, member) : undefined;
    },
  };
}

/** The member that `path` names after every link, in its folders too. */
function follow(members: ReadonlyMap<string, TarMember>, path: string): TarMember | undefined {
  let wanted = memberPath(path);
  for (let links = 0; links <= MAX_LINKS && wanted !== undefined; links++) {
    const member = members.get(wanted);
    if (member?.type === 'hardlink') wanted = memberPath(member.linkName);
    else if (member?.type === 'symlink') wanted = targetOf(member);
    else if (member !== undefined) return member;
    else wanted = throughFolder(members, wanted);
  }
  return undefined;
}

/** `path` with the first folder in it that is a symbolic link replaced; undefined when none is. */
function throughFolder(members: ReadonlyMap<string, TarMember>, path: string): string | undefined {
  for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
    const folder = members.get(path.slice(0, slash));
    if (folder?.type !== 'symlink') continue;
    const target = targetOf(folder);
    return target === undefined ? undefined : memberPath(path.slice(slash + 1), target);
  }
  return undefined;
}

function targetOf(link: TarMember): string | undefined {
  return memberPath(link.linkName, parentPath(link.name));
}
