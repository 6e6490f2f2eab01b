import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { isDocumentType, isManifestType } from '../oci/media-types.ts';
import type { StoreContext } from './context.ts';
import { fileState } from './layout.ts';

/** What the store knows of a blob whose file is whole. */
export interface BlobRecord {
  readonly mediaType: string;
  readonly size: number;
}

/** What was written down when a blob was verified. */
interface Verified {
  readonly size: number;
  /** The state of the file at that time, as `FileState.stamp` names it. */
  readonly stamp: string;
}

/** The record of a verified blob whose file nobody has touched since. */
export function findBlob(store: StoreContext, digest: Digest): BlobRecord | undefined {
  const row = store.database.get<Verified & { readonly mediaType: string }>(
    'SELECT media_type AS mediaType, size, stamp FROM blobs WHERE digest = ?',
    digest,
  );
  if (row === undefined || !isUntouched(store, digest, row)) return undefined;
  return { mediaType: row.mediaType, size: row.size };
}

/**
 * Whether the file is still the one that was verified. In a store that cannot be written to its size has to
 * do: a copy on a read-only disk has other stamps, and could not note that it was verified again.
 */
function isUntouched(
  { database, layout }: StoreContext,
  digest: Digest,
  { size, stamp }: Verified,
): boolean {
  const file = fileState(layout.blob(digest));
  return file?.size === size && (file.stamp === stamp || !database.writable);
}

/** The record of a verified blob whose file has the right size; whether it is still intact shows when it is read. */
export function statBlob(
  { database, layout }: StoreContext,
  digest: Digest,
): BlobRecord | undefined {
  const row = database.get<BlobRecord>(
    'SELECT media_type AS mediaType, size FROM blobs WHERE digest = ?',
    digest,
  );
  return row !== undefined && fileState(layout.blob(digest))?.size === row.size ? row : undefined;
}

/** The media type that was written down for a blob, whatever became of its file. */
export function recordedType({ database }: StoreContext, digest: Digest): string | undefined {
  const row = database.get<{ type: string }>(
    'SELECT media_type AS type FROM blobs WHERE digest = ?',
    digest,
  );
  return row?.type;
}

/** Whether the content is here as `ContentReader.has` promises it: a manifest together with its parts. */
export function isHere(store: StoreContext, { digest, size, mediaType }: Descriptor): boolean {
  const blob = findBlob(store, digest);
  if (blob?.size !== size) return false;
  if (!isDocumentType(mediaType)) return true;
  // What was written as a plain blob has not been read as a document yet.
  if (!isDocumentType(blob.mediaType)) return false;
  return !isManifestType(blob.mediaType) || partsAreHere(store, digest);
}

/** Whether a part that a manifest names is here with the size it says. */
export function partIsHere(store: StoreContext, { digest, size }: Descriptor): boolean {
  return findBlob(store, digest)?.size === size;
}

function partsAreHere(store: StoreContext, digest: Digest): boolean {
  const parts = store.database.all<
    { digest: Digest } & (Verified | { readonly size: null; readonly stamp: null })
  >(
    `SELECT held AS digest, size, stamp FROM edges LEFT JOIN blobs ON blobs.digest = held
     WHERE holder = ? AND kind = 'required'`,
    digest,
  );
  return parts.every((part) => part.size !== null && isUntouched(store, part.digest, part));
}
