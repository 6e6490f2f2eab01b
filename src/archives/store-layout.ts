import type { AbortOptions } from '../content.ts';
import { copyGraph } from '../copy/copy-graph.ts';
import type { CopyEvent } from '../copy/events.ts';
import { FinchError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Index } from '../oci/document.ts';
import type { ImageStore } from '../store/image-store.ts';
import type { LayoutReader } from './layout-reader.ts';

/** Where {@link storeFromLayout} copies to. */
export interface StoreOptions extends AbortOptions {
  readonly store: ImageStore;
  readonly onEvent: (event: CopyEvent) => void;
}

/**
 * Copies a manifest or an index and everything below it that is in the layout, bytes unchanged.
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
  const choose = async ({ manifests }: Index) => {
    const present = await Promise.all(manifests.map((member) => reader.has(member, { signal })));
    return manifests.filter((_, i) => present[i]);
  };
  await copyGraph(root, { from: reader, to: store }, { choose, signal, onEvent });
}
