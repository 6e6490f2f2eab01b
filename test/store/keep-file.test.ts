import { expect, test } from 'bun:test';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe as describeBytes } from '../../src/oci/descriptor.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { makeTestStore } from './store-under-test.ts';

const bytes = new TextEncoder().encode('some content');
const descriptor = describeBytes('application/octet-stream', digestOf(bytes), bytes);

async function fileIn(store: { readonly path: string }): Promise<string> {
  const folder = join(store.path, 'uploads');
  await mkdir(folder, { recursive: true });
  const path = join(folder, crypto.randomUUID());
  await writeFile(path, bytes);
  return path;
}

test('keepFile() makes a read-only blob of a file, also when the store has it already', async () => {
  await using made = await makeTestStore();
  const { store } = made;
  for (let i = 0; i < 2; i++) {
    await store.keepFile(await fileIn(store), descriptor);
    expect(await store.has(descriptor)).toBe(true);
    expect(await readdir(join(store.path, 'uploads'))).toEqual([]);
  }
  const content = await store.open(descriptor);
  expect((await stat(content.file?.path ?? '')).mode & 0o777).toBe(0o444);
});

test('keepFile() refuses a document that is too large, and one that is none', async () => {
  await using made = await makeTestStore();
  const { store } = made;
  const path = await fileIn(store);
  const document = { ...descriptor, mediaType: mediaTypes.manifest };
  const large = { ...document, size: 5 * 1024 * 1024 };
  for (const refused of [document, large]) {
    const error = await store.keepFile(path, refused).catch((e) => e);
    expect(error).toMatchObject({ code: 'DOCUMENT_INVALID' });
  }
  expect(await store.has(descriptor)).toBe(false);
});

test('a lease that expires twice protects no more what nobody touched in between', async () => {
  await using made = await makeTestStore();
  const { store } = made;
  await using lease = await store.lease();
  await store.keepFile(await fileIn(store), descriptor);
  lease.expire();
  expect(await store.has(descriptor)).toBe(true);
  lease.expire();
  expect((await store.collect()).digests).toEqual([]);
  lease.expire();
  expect((await store.collect()).digests).toEqual([descriptor.digest]);
});
