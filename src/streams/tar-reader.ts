import { openForReading } from './file-stream.ts';
import { memberPath } from './member-path.ts';
import { parsePaxRecords } from './pax-records.ts';
import { damagedTar, TarBlocks } from './tar-blocks.ts';
import { TAR_BLOCK_BYTES, type TarHeader } from './tar-header.ts';

/** Where a member of a tar file is. */
export interface TarMember {
  /** As `memberPath` gives it: without `.`, `..` and leading slashes. */
  readonly name: string;
  readonly type: TarMemberType;
  /** Bytes of data. */
  readonly size: number;
  /** The first byte of the data in the file. */
  readonly offset: number;
  /** The target as it is written, for a symbolic or hard link. */
  readonly linkName: string;
}

/** `sparse` is a file whose holes are left out, so that its data is not its content. */
type TarMemberType = 'file' | 'sparse' | 'directory' | 'symlink' | 'hardlink' | 'other';

/** Options of {@link scanTar}. */
export interface ScanOptions {
  /** Names the file in messages. */
  readonly what: string;
  /** Default: a million members, 128 Mi characters. */
  readonly limits?: ScanLimits;
  readonly signal?: AbortSignal | undefined;
}

/** How much of a tar file is kept in memory. */
interface ScanLimits {
  /** Headers of every kind. */
  readonly members: number;
  /** Characters of all names and link targets. */
  readonly names: number;
}

const LIMITS: ScanLimits = { members: 1_000_000, names: 128 * 1024 * 1024 };

/** Every key that a sparse file of GNU tar has in one of its three forms. */
const SPARSE_KEYS: ReadonlySet<string> = new Set(
  ['major', 'minor', 'name', 'realsize', 'size', 'numblocks', 'map', 'offset', 'numbytes'].map(
    (key) => `GNU.sparse.${key}`,
  ),
);

type Extensions = ReadonlyMap<string, string>;

/**
 * The members of a plain tar file in their order, found by reading the headers alone. Members whose
 * name no file can have, or which leaves the tree through `..`, are left out.
 * Reads ustar, GNU (long names, sizes in base 256, sparse files) and pax (path, linkpath, size).
 * @throws FinchError `ARCHIVE_INVALID` when a header is wrong or the file is cut off; `IO`
 */
export async function scanTar(
  path: string,
  { what, limits = LIMITS, signal }: ScanOptions,
): Promise<readonly TarMember[]> {
  const handle = await openForReading(path);
  try {
    const blocks = new TarBlocks(handle, (await handle.stat()).size, what);
    const members: TarMember[] = [];
    let globals: Extensions = new Map();
    let extensions: Extensions = new Map();
    let namesLength = 0;
    for (let at = 0, count = 0; ; ) {
      signal?.throwIfAborted();
      const header = await blocks.header(at);
      if (header === undefined) return members;
      if (++count > limits.members) {
        throw damagedTar(what, `it has more than ${limits.members} members`);
      }
      at += TAR_BLOCK_BYTES;
      if ('xgLK'.includes(header.flag)) {
        const more = extensionsIn(header.flag, await blocks.extension(at, header.size), what);
        if (header.flag === 'g') globals = new Map([...globals, ...more]);
        else extensions = new Map([...extensions, ...more]);
        at += padded(header.size);
        continue;
      }
      if (header.hasSparseMap) at = await blocks.skipSparseMap(at);
      const all = new Map([...globals, ...extensions]);
      const size = dataSize(header, all);
      if (size === undefined) throw damagedTar(what, 'a size in a pax header is not valid');
      blocks.mustHold(at + size);
      const name = memberPath(all.get('GNU.sparse.name') ?? all.get('path') ?? header.name);
      const linkName = all.get('linkpath') ?? header.linkName;
      const type = memberType(header.flag, all);
      if (name !== undefined) {
        namesLength += name.length + linkName.length;
        if (namesLength > limits.names) throw damagedTar(what, 'its names are too long together');
        members.push({ name, type, size, offset: at, linkName });
      }
      at += padded(size);
      extensions = new Map();
    }
  } finally {
    await handle.close();
  }
}

function extensionsIn(flag: string, data: Uint8Array, what: string): Extensions {
  if (flag === 'L' || flag === 'K') {
    const end = data.indexOf(0);
    const text = new TextDecoder().decode(end === -1 ? data : data.subarray(0, end));
    return new Map([[flag === 'L' ? 'path' : 'linkpath', text]]);
  }
  const records = parsePaxRecords(data);
  if (records === undefined) throw damagedTar(what, 'a pax header in it cannot be read');
  return new Map([...records].filter(([key]) => isUsed(key)));
}

/** Anything else in a pax header is dropped: a global one would be carried to every member behind it. */
function isUsed(key: string): boolean {
  return ['path', 'linkpath', 'size'].includes(key) || SPARSE_KEYS.has(key);
}

/** Links, devices, folders and pipes have no data, whatever their size says. */
function dataSize(header: TarHeader, extensions: Extensions): number | undefined {
  if ('123456'.includes(header.flag)) return 0;
  const size = extensions.get('size');
  if (size === undefined) return header.size;
  return /^[0-9]{1,15}$/.test(size) ? Number(size) : undefined;
}

function memberType(flag: string, extensions: Extensions): TarMemberType {
  const hasHoles = () => [...extensions.keys()].some((key) => key.startsWith('GNU.sparse.'));
  switch (flag) {
    case '0':
    case '7':
      return hasHoles() ? 'sparse' : 'file';
    case 'S':
      return 'sparse';
    case '1':
      return 'hardlink';
    case '2':
      return 'symlink';
    case '5':
      return 'directory';
    default:
      return 'other';
  }
}

function padded(size: number): number {
  return Math.ceil(size / TAR_BLOCK_BYTES) * TAR_BLOCK_BYTES;
}
