import { isUnreadable, readDocument } from '../copy/read-document.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import type { Document } from '../oci/document.ts';
import { isDocumentType, isIndexType } from '../oci/media-types.ts';
import type { ImageStore } from '../store/image-store.ts';

/** The document that the store holds under a descriptor; undefined when it is not here, or not that. */
export async function findDocument(
  store: ImageStore,
  descriptor: Descriptor,
): Promise<Document | undefined> {
  // To look for what is not here would be to protect it.
  if (store.stat(descriptor.digest) === undefined) return undefined;
  try {
    const { document } = await readDocument(store, descriptor);
    return document;
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  }
}

/** The digests of all documents that an index reaches, through the indexes that are here. */
export async function documentsBelow(
  store: ImageStore,
  document: Document,
): Promise<ReadonlySet<Digest>> {
  const found = new Set<Digest>();
  const pending: Document[] = [document];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (next.kind !== 'index') continue;
    for (const member of next.manifests) {
      if (found.has(member.digest) || !isDocumentType(member.mediaType)) continue;
      found.add(member.digest);
      const inner = isIndexType(member.mediaType) ? await findDocument(store, member) : undefined;
      if (inner !== undefined) pending.push(inner);
    }
  }
  return found;
}
