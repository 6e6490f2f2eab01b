import { type AbortOptions, memoryContent } from '../content.ts';
import { FinchError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { isDocumentType, isNonDistributable } from '../oci/media-types.ts';
import type { ImageStore } from '../store/image-store.ts';
import type { LayoutReader } from './layout-reader.ts';
import type { LoadEvent } from './load-event.ts';
import { readDocument } from './read-verified.ts';

/** Where {@link storeFromLayout} copies to. */
export interface StoreOptions extends AbortOptions {
  readonly store: ImageStore;
  readonly onEvent: (event: LoadEvent) => void;
}

/**
 * Copies a manifest or an index and everything below it that is in the layout, bytes unchanged,
 * children before parents.
 * @throws FinchError `CONTENT_MISSING` when nothing of it is there, with what is missing
 */
export async function storeFromLayout(
  { reader, root }: { readonly reader: LayoutReader; readonly root: Descriptor },
  { store, signal, onEvent }: StoreOptions,
): Promise<void> {
  const missing = await reader.missing(root, { signal });
  if (missing.length > 0) {
    throw new FinchError(
      'CONTENT_MISSING',
      `the archive does not hold all of ${root.digest}; missing: ${missing.join(', ')}`,
      { hint: 'make the archive again from an image that is complete' },
    );
  }
  const seen = new Set<Digest>();
  async function visit(descriptor: Descriptor): Promise<void> {
    if (seen.has(descriptor.digest)) return;
    seen.add(descriptor.digest);
    if (!isDocumentType(descriptor.mediaType)) return copy(descriptor);
    const { document, bytes } = await readDocument(reader, descriptor, { signal });
    if (document.kind === 'index') {
      for (const member of document.manifests) {
        if (await reader.has(member, { signal })) await visit(member);
      }
    } else {
      for (const child of [document.config, ...document.layers]) {
        const mayMiss = isNonDistributable(child.mediaType);
        if (!mayMiss || (await reader.has(child, { signal }))) await visit(child);
      }
    }
    await store.write(descriptor, memoryContent(bytes), { signal });
  }
  async function copy(descriptor: Descriptor): Promise<void> {
    onEvent({ kind: 'found', descriptor });
    if (await store.has(descriptor, { signal })) {
      onEvent({ kind: 'exists', descriptor });
      return;
    }
    onEvent({ kind: 'started', descriptor });
    const content = await reader.open(descriptor, { signal });
    const onBytes = (bytes: number) => onEvent({ kind: 'progress', descriptor, bytes });
    await store.write(descriptor, content, { signal, onBytes });
    onEvent({ kind: 'done', descriptor });
  }
  await visit(root);
}
