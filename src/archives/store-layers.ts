import { Slots } from '../copy/slots.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { type ArchivedLayer, type StoreLayerOptions, storeLayer } from './store-layer.ts';

/** While the end of one is written to the disk, the next keeps the threads at work. */
const AT_ONCE = 2;

/**
 * Stores the layers of an image, some at once; one that comes several times is stored once.
 * @returns them in their order
 * @throws as `storeLayer`, the first failure, when none of the others is still at work
 */
export async function storeLayers(
  layers: readonly ArchivedLayer[],
  options: StoreLayerOptions,
): Promise<readonly Descriptor[]> {
  const failed = new AbortController();
  const signal = AbortSignal.any([failed.signal, ...(options.signal ? [options.signal] : [])]);
  const slots = new Slots(AT_ONCE);
  const started = new Map<Digest, Promise<Descriptor>>();
  const stored = layers.map((layer) => {
    const before = started.get(layer.diffId);
    if (before !== undefined) return before;
    const work = slots.run(async () => {
      signal.throwIfAborted();
      return storeLayer(layer, { ...options, signal });
    });
    work.catch((error: unknown) => failed.abort(error));
    started.set(layer.diffId, work);
    return work;
  });
  await Promise.allSettled(stored);
  options.signal?.throwIfAborted();
  failed.signal.throwIfAborted();
  return Promise.all(stored);
}
