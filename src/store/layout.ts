import { readdirSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../errors.ts';
import { writeFileAtomic } from '../host/atomic-file.ts';
import { ioError } from '../host/io-error.ts';
import { type Digest, type DigestAlgorithm, digestParts } from '../oci/digest.ts';

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
  const marker = join(layout.root, 'oci-layout');
  if (fileSize(marker) !== undefined) return;
  const version = new TextEncoder().encode('{"imageLayoutVersion":"1.0.0"}');
  await writeFileAtomic(marker, version);
}

/** Bytes of the file at `path`, or undefined when there is none. */
export function fileSize(path: string): number | undefined {
  try {
    const stats = statSync(path);
    return stats.isFile() ? stats.size : undefined;
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw ioError(error, 'read', path);
  }
}

/** Whether there is a file at `path` that was last written to before `time`, in milliseconds since 1970. */
export function isOlder(path: string, time: number): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats !== undefined && stats.mtimeMs < time;
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
