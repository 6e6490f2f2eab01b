import type { AbortOptions } from '../content.ts';
import { findReadableImages } from '../copy/platforms.ts';
import { FinchError } from '../errors.ts';
import type { Digest } from '../oci/digest.ts';
import type { ImageRecord, ImageStore } from '../store/image-store.ts';
import { findImages } from './find-image.ts';

/** What {@link removeImages} took away. */
export interface Removed {
  readonly records: readonly ImageRecord[];
  /** Layers that are gone, by the digest of their uncompressed form where that is known, else by their own. */
  readonly layers: readonly Digest[];
}

/**
 * Takes away names, given as such or by the beginning of an image id, and frees what no name reaches.
 * An id that has several names is refused unless `force`. All or nothing: when one of them is not
 * there, nothing changes; with `force` those are passed over and told to `onSkipped`. Once the names are
 * gone, nothing fails: `onNotFreed` is told why what they named is still there, for the next command to free.
 * @throws FinchError `IMAGE_NOT_FOUND`, `IMAGE_AMBIGUOUS`
 */
export async function removeImages(
  store: ImageStore,
  texts: readonly string[],
  {
    force,
    onSkipped,
    onNotFreed,
    signal,
  }: AbortOptions & {
    force: boolean;
    onSkipped: (error: FinchError) => void;
    onNotFreed: (error: FinchError) => void;
  },
): Promise<Removed> {
  const found = texts.map((text) => recordsFor(store, text, { force }));
  const errors = found.filter((result) => result instanceof FinchError);
  const [first] = errors;
  if (force) errors.forEach(onSkipped);
  else if (first !== undefined) throw together(errors, first);
  const records = new Map(
    found.flatMap((result) =>
      result instanceof FinchError ? [] : result.map((record) => [record.name, record] as const),
    ),
  );
  const diffIds = await layersOf(store, [...records.values()], { signal });
  signal?.throwIfAborted();
  await store.changeNames({ remove: [...records.keys()] });
  const digests = await freed(store, { onNotFreed });
  const layers = new Set(digests.flatMap((digest) => diffIds.get(digest) ?? []));
  return { records: [...records.values()], layers: [...layers] };
}

/** Frees what no name reaches any more, also when the user has lost patience: the names are gone. */
async function freed(
  store: ImageStore,
  { onNotFreed }: { onNotFreed: (error: FinchError) => void },
): Promise<readonly Digest[]> {
  try {
    return (await store.collect()).digests;
  } catch (error) {
    if (!(error instanceof FinchError)) throw error;
    onNotFreed(error);
    return [];
  }
}

/** For each layer of these images that can be read, its uncompressed digest, or its own if that is not known. */
async function layersOf(
  store: ImageStore,
  records: readonly ImageRecord[],
  { signal }: AbortOptions,
): Promise<ReadonlyMap<Digest, Digest>> {
  const diffIds = new Map<Digest, Digest>();
  for (const { target } of records) {
    for (const { manifest } of await findReadableImages(store, target, { signal })) {
      for (const { digest } of manifest.layers) {
        diffIds.set(digest, store.layer(digest)?.diffId ?? digest);
      }
    }
  }
  return diffIds;
}

function recordsFor(
  store: ImageStore,
  text: string,
  { force }: { force: boolean },
): readonly ImageRecord[] | FinchError {
  const records = findImages(store, text);
  const hint = 'see what is here with: finch images';
  if (records.length === 0)
    return new FinchError('IMAGE_NOT_FOUND', `no such image: ${text}`, { hint });
  const sameImage = new Set(records.map(({ target }) => target.digest)).size === 1;
  if (records.length === 1 || (force && sameImage)) return records;
  return new FinchError('IMAGE_AMBIGUOUS', `multiple IDs found with provided prefix: ${text}`, {
    hint: sameImage ? 'remove one of its names, or all with --force' : 'give more digits',
  });
}

function together(errors: readonly FinchError[], first: FinchError): FinchError {
  if (errors.length === 1) return first;
  const messages = errors.map(({ message }) => message).join('; ');
  return new FinchError(first.code, `${errors.length} errors: ${messages}`, {
    ...(first.hint !== undefined && { hint: first.hint }),
  });
}
