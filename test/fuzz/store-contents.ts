import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '../../src/oci/digest.ts';
import { formatReference, parseReference } from '../../src/oci/reference.ts';
import type { ImageStore } from '../../src/store/image-store.ts';
import { promise, promiseSame, promiseShowable } from './promises.ts';

/** What is visible in a store, to be compared. */
export interface StoreContents {
  readonly names: readonly string[];
  /** Files below `blobs`. */
  readonly blobs: readonly string[];
}

/** The names and the blobs of a store. */
export async function contentsOf(store: ImageStore): Promise<StoreContents> {
  const names = store.names().map(({ name, target }) => `${name} ${target.digest}`);
  const blobs: string[] = [];
  for (const algorithm of ['sha256', 'sha512']) {
    const files = await readdir(join(store.path, 'blobs', algorithm)).catch(() => []);
    blobs.push(...files.map((file) => `${algorithm}:${file}`));
  }
  return { names: names.sort(), blobs: blobs.sort() };
}

/** Promises that the store is as it was and that nothing is left of what was begun. */
export async function promiseUnchanged(store: ImageStore, before: StoreContents): Promise<void> {
  promiseSame(await contentsOf(store), before, 'the store is not as it was');
  for (const folder of ['ingest', 'uploads', 'trash']) {
    const files = await readdir(join(store.path, folder)).catch(() => []);
    promiseSame(files, [], `what is left in ${folder}`);
  }
}

/** Promises that new blobs have their digests, and that every name is a whole one of something here. */
export async function promiseSound(store: ImageStore, before: StoreContents): Promise<void> {
  const known = new Set(before.blobs);
  for (const digest of (await contentsOf(store)).blobs) {
    if (known.has(digest)) continue;
    const [algorithm = '', hex = ''] = digest.split(':');
    const bytes = await Bun.file(join(store.path, 'blobs', algorithm, hex)).bytes();
    const actual = digestOf(bytes, algorithm === 'sha512' ? 'sha512' : 'sha256');
    promiseSame(actual, digest, 'the digest of a blob');
  }
  for (const { name, target } of store.names()) {
    promiseShowable(name, 'a name');
    promiseSame(formatReference(parseReference(name)), name, 'the whole form of a name');
    promise(store.stat(target.digest) !== undefined, `${name} names what is not here`);
  }
}
