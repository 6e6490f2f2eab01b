import { type BigIntStats, lstatSync, readdirSync, statSync, utimesSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../errors.ts';
import { writeFileAtomic } from '../host/atomic-file.ts';
import { ioError } from '../host/io-error.ts';
import { currentOwner } from '../host/owner.ts';
import { type Digest, type DigestAlgorithm, digestParts } from '../oci/digest.ts';

/** How far the clocks of a file system and of this machine may be apart. */
const CLOCK_SLACK_MS = 60_000;

/** The folders of blobs, by algorithm. */
export const ALGORITHMS: readonly DigestAlgorithm[] = ['sha256', 'sha512'];

/** Paths inside the store at `root`. */
export interface Layout {
  readonly root: string;
  readonly database: string;
  readonly index: string;
  /** Content that is still coming in; the same file system as the blobs. */
  readonly ingest: string;
  /** What the clients of a registry send in parts. */
  readonly uploads: string;
  /** Blobs that nothing needs any more, on their way out. */
  readonly trash: string;
  /** The file that is locked while a damaged database is replaced. */
  readonly repairLock: string;
  /** The file that makes the folder an image layout. */
  readonly marker: string;
  /** Where the blobs of an algorithm are. */
  folder(algorithm: DigestAlgorithm): string;
  /** Where the blob is, or would be. */
  blob(digest: Digest): string;
}

/**
 * An OCI image layout and what finch keeps beside it.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
 */
export function layoutAt(root: string): Layout {
  const folder = (algorithm: DigestAlgorithm) => join(root, 'blobs', algorithm);
  return {
    root,
    database: join(root, 'meta.db'),
    index: join(root, 'index.json'),
    ingest: join(root, 'ingest'),
    uploads: join(root, 'uploads'),
    trash: join(root, 'trash'),
    repairLock: join(root, 'repair.lock'),
    marker: join(root, 'oci-layout'),
    folder,
    blob(digest) {
      const { algorithm, hex } = digestParts(digest);
      return join(folder(algorithm), hex);
    },
  };
}

/**
 * Makes what is missing of the folders and the `oci-layout` file.
 * @throws FinchError `IO`
 */
export async function createLayout(layout: Layout): Promise<void> {
  try {
    for (const path of [...ALGORITHMS.map(layout.folder), layout.ingest, layout.trash]) {
      await mkdir(path, { recursive: true });
    }
  } catch (error) {
    throw ioError(error, 'write', layout.root);
  }
  if (fileSize(layout.marker) !== undefined) return;
  const version = new TextEncoder().encode('{"imageLayoutVersion":"1.0.0"}');
  await writeFileAtomic(layout.marker, version, { owner: currentOwner() });
}

/** Which file has the name `path`, through links; undefined when there is none. */
export function inodeOf(path: string): bigint | undefined {
  return look(path)?.ino;
}

/** What is at `path`, through links. */
export function fileKind(path: string): 'none' | 'file' | 'other' {
  const stats = look(path);
  if (stats === undefined) return 'none';
  return stats.isFile() ? 'file' : 'other';
}

/** Bytes of the file at `path`, or undefined when there is none. */
export function fileSize(path: string): number | undefined {
  const stats = look(path);
  return stats?.isFile() ? Number(stats.size) : undefined;
}

/** One state of a file, which ends as soon as the file is written to or replaced. */
export interface FileState {
  /** Bytes. */
  readonly size: number;
  /** Names the state, as {@link stampText} makes it. */
  readonly stamp: string;
}

/** The state of the file at `path`; undefined when there is none, or something else than a file. Links are not followed. */
export function fileState(path: string): FileState | undefined {
  const stats = look(path, lstatSync);
  return stats?.isFile() ? { size: Number(stats.size), stamp: stampText(stats) } : undefined;
}

/** Which version of a file has the name `path`, through links, as {@link stampText} tells them apart; null without a file. */
export function stampOf(path: string): string | null {
  const stats = look(path);
  return stats === undefined ? null : stampText(stats);
}

/**
 * A text that changes whenever a file is replaced or written to. What leaves the content as it is, such as
 * other rights or one more link to the file, does not change it.
 */
function stampText({ mtimeNs, size, ino }: BigIntStats): string {
  return `${mtimeNs}-${size}-${ino}`;
}

/**
 * Whether there is something at `path` that was last written to more than `age` milliseconds before `now`,
 * which is in milliseconds since 1970. What seems to come from the future, because the clock was set
 * back, begins to age now.
 */
export function isOlder(path: string, { age, now }: { age: number; now: number }): boolean {
  const stats = look(path, lstatSync);
  if (stats === undefined) return false;
  const written = Number(stats.mtimeNs / 1_000_000n);
  if (written > now + CLOCK_SLACK_MS && stats.isFile()) beginToAge(path, now);
  return written < now - age;
}

function beginToAge(path: string, now: number): void {
  try {
    utimesSync(path, now / 1000, now / 1000);
  } catch {
    // A file of another user: then it stays for as long as it seems to be young.
  }
}

/** What the system says about `path`; undefined when there is nothing. */
function look(path: string, stat = statSync): BigIntStats | undefined {
  try {
    return stat(path, { bigint: true });
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw ioError(error, 'read', path);
  }
}

/** The names in a folder; none when it does not exist. */
export function listFolder(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw ioError(error, 'read', path);
  }
}
