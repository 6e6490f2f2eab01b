import type { AbortOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import { isPassing } from '../oci/bridge-repository.ts';
import { formatReference, parseReference } from '../oci/reference.ts';
import type { ImageRecord, ImageStore } from '../store/image-store.ts';

/** What {@link pruneImages} took away. */
export interface Pruned {
  /** Names that are gone. */
  readonly records: readonly ImageRecord[];
  /** Bytes that are free again. */
  readonly bytes: number;
}

/** Which images {@link pruneImages} takes away. */
export interface PruneOptions extends AbortOptions {
  /**
   * The images of containers, each by its digest, or by its name as the engine writes it: they stay, under all their
   * names, and every other image goes, but for those on their way from the engine. Undefined takes away no name.
   */
  readonly except: readonly string[] | undefined;
}

/**
 * Frees what nobody uses: without names all that lost its name. An image that was pulled by its digest has one.
 * @throws FinchError `IO`, `STORE_UNUSABLE`
 */
export async function pruneImages(
  store: ImageStore,
  { except, signal }: PruneOptions,
): Promise<Pruned> {
  const records = except === undefined ? [] : unused(store, except);
  signal?.throwIfAborted();
  if (records.length > 0) await store.changeNames({ remove: records.map(({ name }) => name) });
  const { bytes } = await store.collect({ ...(signal && { signal }) });
  return { records, bytes };
}

function unused(store: ImageStore, except: readonly string[]): readonly ImageRecord[] {
  const names = new Set(except.flatMap(wholeName));
  const all = store.names().filter(({ name }) => !isPassing(name));
  const used = new Set<string>([
    ...except,
    ...all.filter(({ name }) => names.has(name)).map(({ target }) => target.digest),
  ]);
  return all.filter(({ target }) => !used.has(target.digest));
}

function wholeName(text: string): readonly string[] {
  try {
    return [formatReference(parseReference(text))];
  } catch (error) {
    // A container whose image is known by nothing but its digest.
    if (error instanceof FinchError) return [];
    throw error;
  }
}
