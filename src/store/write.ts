import { rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { AbortOptions, ByteStream, Content, WriteOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { parseDocument } from '../oci/document.ts';
import { MAX_DOCUMENT_BYTES } from '../oci/json.ts';
import { isDocumentType } from '../oci/media-types.ts';
import type { StoreContext } from './context.ts';
import { requiredParts } from './graph.ts';
import { hasBlob, makeLasting, readDocument } from './has.ts';
import { type Ingested, mismatch, receive } from './ingest.ts';
import { fileState } from './layout.ts';
import { placeBlob } from './place.ts';
import { partIsHere } from './presence.ts';
import { recordBlob, requireParts } from './record.ts';

/** As `ContentStore.write`. */
export async function writeBlob(
  store: StoreContext,
  descriptor: Descriptor,
  { content, signal, onBytes }: WriteOptions & { readonly content: Content },
): Promise<void> {
  const { layout, owner } = store;
  if (await hasBlob(store, descriptor, { signal })) return;
  refuseLargeDocument(descriptor);
  if (content.size !== descriptor.size) {
    const found = `it has ${content.size} bytes instead of ${descriptor.size}`;
    throw mismatch(descriptor.digest, found);
  }
  const stream = content.stream({ signal });
  await using file = await receive(stream, layout, { owner, expect: descriptor, onBytes, signal });
  await commit(store, file, descriptor);
}

/** As `ImageStore.ingest`. */
export async function ingestBlob(
  store: StoreContext,
  stream: ByteStream,
  options: AbortOptions & { readonly mediaType: string; readonly expect?: Digest },
): Promise<Descriptor> {
  const { layout, owner } = store;
  const { mediaType, signal } = options;
  const expect = options.expect === undefined ? undefined : { digest: options.expect };
  await using file = await receive(stream, layout, { owner, expect, signal });
  const descriptor = { mediaType, digest: file.digest, size: file.size };
  refuseLargeDocument(descriptor);
  if (!(await hasBlob(store, descriptor, { signal }))) await commit(store, file, descriptor);
  return descriptor;
}

/** As `ImageStore.keepFile`. */
export async function keepFile(
  store: StoreContext,
  path: string,
  descriptor: Descriptor,
): Promise<void> {
  refuseLargeDocument(descriptor);
  if (await hasBlob(store, descriptor)) return rm(path, { force: true });
  await makeLasting(path);
  await commit(store, { path, size: descriptor.size }, descriptor);
  // Still there when another process was faster.
  await rm(path, { force: true });
}

/**
 * Makes a blob of a file that is complete and on disk. The file gets its place before anything speaks
 * of it, so a crash in between leaves at most a blob that nothing needs.
 */
async function commit(
  store: StoreContext,
  file: Pick<Ingested, 'path' | 'size'>,
  descriptor: Descriptor,
): Promise<void> {
  const { database, layout, leases, folders } = store;
  const { digest, mediaType } = descriptor;
  const document = isDocumentType(mediaType)
    ? parseDocument(await readDocument(file.path), { mediaType, what: digest })
    : undefined;
  if (document !== undefined) {
    // A part that was touched since it was verified counts when it is verified again.
    for (const part of requiredParts(document)) {
      if (!partIsHere(store, part)) await hasBlob(store, part);
    }
    requireParts(store, digest, document);
  }
  const path = layout.blob(digest);
  placeBlob(store, file.path, digest);
  try {
    await folders.sync(dirname(path));
    database.transaction(() => {
      leases.protectWithin(digest);
      // Without a lease, a collector may have come between.
      if (document !== undefined) requireParts(store, digest, document);
      const state = fileState(path);
      if (state?.size !== file.size) throw removedMeanwhile(digest);
      recordBlob(store, descriptor, { stamp: state.stamp, document });
    });
  } catch (error) {
    removeUnrecorded(store, digest);
    throw error;
  }
}

/** Removes the file of a blob that could not be written down. */
function removeUnrecorded({ database, layout }: StoreContext, digest: Digest): void {
  try {
    database.transaction(() => {
      const row = database.get('SELECT 1 FROM blobs WHERE digest = ?', digest);
      if (row === undefined) rmSync(layout.blob(digest), { force: true });
    });
  } catch {
    // Nothing needs it, so it goes with the next collection.
  }
}

function refuseLargeDocument({ mediaType, digest, size }: Descriptor): void {
  if (!isDocumentType(mediaType) || size <= MAX_DOCUMENT_BYTES) return;
  throw new FinchError('DOCUMENT_INVALID', `${digest} is larger than 4 MiB`);
}

function removedMeanwhile(digest: Digest): FinchError {
  return new FinchError('CONTENT_MISSING', `${digest} was removed while it was written`, {
    hint: 'try again',
  });
}
