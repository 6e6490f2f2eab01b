import { FinchError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import type { Document } from '../oci/document.ts';
import type { StoreContext } from './context.ts';
import { forgetEdges, recordEdges, requiredParts } from './graph.ts';
import { partIsHere } from './presence.ts';

/**
 * Writes down that a blob is here, verified in the state that `stamp` names, and what it names. Inside a
 * transaction of the caller.
 */
export function recordBlob(
  { database }: StoreContext,
  { digest, size, mediaType }: Descriptor,
  { stamp, document }: { readonly stamp: string; readonly document: Document | undefined },
): void {
  database.run(
    `INSERT INTO blobs VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET
       size = excluded.size, media_type = excluded.media_type, stamp = excluded.stamp`,
    digest,
    size,
    mediaType,
    stamp,
  );
  if (document !== undefined) recordEdges(database, digest, document);
}

/** Forgets a blob and what it names; whether it was known. Inside a transaction of the caller. */
export function forgetBlob({ database }: StoreContext, digest: Digest): boolean {
  forgetEdges(database, digest);
  return database.run('DELETE FROM blobs WHERE digest = ?', digest) > 0;
}

/**
 * Checks that what the document cannot do without is here.
 * @throws FinchError `CONTENT_MISSING`
 */
export function requireParts(store: StoreContext, digest: Digest, document: Document): void {
  for (const part of requiredParts(document)) {
    if (partIsHere(store, part)) continue;
    throw new FinchError(
      'CONTENT_MISSING',
      `${digest} names ${part.digest} with ${part.size} bytes, which is not in the store`,
    );
  }
}
