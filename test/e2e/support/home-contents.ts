import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '../../../src/oci/digest.ts';

/** The digests of all content in the store of a home, sorted. */
export async function blobsIn(home: string): Promise<readonly string[]> {
  const found: string[] = [];
  const blobs = join(home, 'store/blobs');
  for (const algorithm of await readdir(blobs)) {
    for (const hex of await readdir(join(blobs, algorithm))) {
      found.push(`${algorithm}:${hex}`);
    }
  }
  return found.sort();
}

/** The names in `index.json` of a home's store, each with its digest. */
export async function namesIn(home: string): Promise<Readonly<Record<string, string>>> {
  const index = JSON.parse(await readFile(join(home, 'store/index.json'), 'utf8')) as {
    manifests: { digest: string; annotations: Record<string, string> }[];
  };
  return Object.fromEntries(
    index.manifests.map(({ digest, annotations }) => [
      annotations['org.opencontainers.image.ref.name'] ?? '',
      digest,
    ]),
  );
}

/**
 * Every file below a home with what it holds, to compare before and after. Of the database, whose
 * bytes change when it is opened, only that it is there; not what finch remembers of registries.
 */
export async function filesIn(home: string): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {};
  for (const name of (await readdir(home, { recursive: true })).sort()) {
    const path = join(home, name);
    if (!(await stat(path)).isFile()) continue;
    if (/meta\.db-(?:wal|shm)$|^registries\.db/.test(name)) continue;
    found[name] = name.endsWith('meta.db') ? 'database' : digestOf(await readFile(path));
  }
  return found;
}
