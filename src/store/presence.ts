import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { isDocumentType, isManifestType } from '../oci/media-types.ts';
import type { StoreContext } from './context.ts';
import { fileSize } from './layout.ts';

/** What the store knows of a blob whose file is whole. */
export interface BlobRecord {
  readonly mediaType: string;
  readonly size: number;
}

/** The record of a verified blob whose file is there with the right size. */
export function findBlob(
  { database, layout }: StoreContext,
  digest: Digest,
): BlobRecord | undefined {
  const row = database.get<BlobRecord>(
    'SELECT media_type AS mediaType, size FROM blobs WHERE digest = ?',
    digest,
  );
  return row !== undefined && fileSize(layout.blob(digest)) === row.size ? row : undefined;
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

function partsAreHere({ database, layout }: StoreContext, digest: Digest): boolean {
  const parts = database.all<{ digest: Digest; size: number | null }>(
    `SELECT held AS digest, size FROM edges LEFT JOIN blobs ON blobs.digest = held
     WHERE holder = ? AND kind = 'required'`,
    digest,
  );
  return parts.every(
    (part) => part.size !== null && fileSize(layout.blob(part.digest)) === part.size,
  );
}
