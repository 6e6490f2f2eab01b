import { open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { AbortOptions } from '../content.ts';
import { hasCode } from '../errors.ts';
import { ioError } from '../host/io-error.ts';
import { makeReadOnly } from '../host/read-only-file.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { digestParts } from '../oci/digest.ts';
import { childrenOf, parseDocument } from '../oci/document.ts';
import { MAX_DOCUMENT_BYTES } from '../oci/json.ts';
import { isDocumentType } from '../oci/media-types.ts';
import { digestAll } from '../streams/digest-stream.ts';
import { readRange } from '../streams/file-stream.ts';
import type { StoreContext } from './context.ts';
import { fileState } from './layout.ts';
import { findBlob, isHere, recordedType } from './presence.ts';
import { recordBlob, requireParts } from './record.ts';

/**
 * As `ContentReader.has`. The content is put under the leases of this store before it is looked for. A
 * file that another program put among the blobs counts once its digest is verified.
 */
export async function hasBlob(
  store: StoreContext,
  descriptor: Descriptor,
  options: AbortOptions = {},
): Promise<boolean> {
  store.leases.protect(descriptor.digest);
  if (isHere(store, descriptor)) return true;
  try {
    return await adopt(store, descriptor, options);
  } catch (error) {
    // What cannot be read or used is as good as not here: a write repairs it or says why it cannot.
    if (hasCode(error, 'IO', 'DOCUMENT_INVALID', 'CONTENT_MISSING', 'CONTENT_DAMAGED'))
      return false;
    throw error;
  }
}

/** Takes a file into the store that is there but not known, touched since it was, or not known to be a document. */
async function adopt(
  store: StoreContext,
  descriptor: Descriptor,
  { signal }: AbortOptions,
): Promise<boolean> {
  const { digest, size, mediaType } = descriptor;
  const path = store.layout.blob(digest);
  const file = fileState(path);
  if (!store.database.writable || file?.size !== size) return false;
  if (isDocumentType(mediaType) && size > MAX_DOCUMENT_BYTES) return false;
  const known = findBlob(store, digest) !== undefined;
  const check = (stop: AbortSignal) => isIntact(path, descriptor, stop);
  // To hash a large file takes long, and many may ask for it at once.
  const key = `${digest} ${file.stamp}`;
  if (!known && !(await store.checks.do(key, check, { signal }))) return false;
  const document = isDocumentType(mediaType)
    ? parseDocument(await readDocument(path), { mediaType, what: digest })
    : undefined;
  // Who asks for plain bytes does not make less of a document.
  const type = document === undefined ? (recordedType(store, digest) ?? mediaType) : mediaType;
  for (const child of document === undefined ? [] : childrenOf(document)) {
    await hasBlob(store, child, { signal });
  }
  if (!known) {
    await makeLasting(path);
    await store.folders.sync(dirname(path));
  }
  store.database.transaction(() => {
    if (document !== undefined) requireParts(store, digest, document);
    // Without a lease, a collector may have come between.
    if (fileState(path)?.stamp !== file.stamp) return;
    recordBlob(store, { ...descriptor, mediaType: type }, { stamp: file.stamp, document });
  });
  return isHere(store, descriptor);
}

async function isIntact(
  path: string,
  { digest, size }: Descriptor,
  signal: AbortSignal,
): Promise<boolean> {
  const bytes = readRange(path, { start: 0, end: size, signal });
  return (await digestAll(bytes, digestParts(digest).algorithm)).digest === digest;
}

/**
 * Gives a file that something else wrote what a blob has: its bytes are on disk and nobody writes to it.
 * @throws FinchError `IO`
 */
export async function makeLasting(path: string): Promise<void> {
  try {
    await using file = await open(path, 'r');
    await file.datasync();
    await makeReadOnly(file);
  } catch (error) {
    throw ioError(error, 'write', path);
  }
}

/**
 * All of a file that is a document.
 * @throws FinchError `IO`
 */
export async function readDocument(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw ioError(error, 'read', path);
  }
}
