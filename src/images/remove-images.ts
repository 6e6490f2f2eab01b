import type { AbortOptions } from '../content.ts';
import { findReadableImages } from '../copy/platforms.ts';
import { FinchError } from '../errors.ts';
import { type Digest, digestParts } from '../oci/digest.ts';
import { formatReference, tryParseReference } from '../oci/reference.ts';
import type { ImageRecord, ImageStore } from '../store/image-store.ts';
import { findImages } from './find-image.ts';
import { listed } from './list-images.ts';

/** What {@link removeImages} took away. */
export interface Removed {
  /** Names that the store had, each with the image that it stood for, on whichever side that was. */
  readonly names: readonly { readonly name: string; readonly digest: Digest }[];
  /** Layers that are gone, by the digest of their uncompressed form where that is known, else by their own. */
  readonly layers: readonly Digest[];
  /** Why some of what was meant is still there. */
  readonly refused: readonly FinchError[];
}

/** Another place that holds images, and is asked first: what it does not give away stays in the store too. */
export interface OtherSide {
  /** What it has by a name, or by the beginning of an image id. */
  find(text: string): readonly OtherImage[];
  /** Takes images away, and gives those that it refused to, each with why. */
  remove(images: readonly OtherImage[]): Promise<ReadonlyMap<OtherImage, FinchError>>;
}

/** An image of an {@link OtherSide}. */
export interface OtherImage {
  /** Undefined where it has none. */
  readonly name: string | undefined;
  readonly digest: Digest;
  /** Whether the store has a newer image by that name, which then is what the name stands for. */
  readonly isOutdated: boolean;
}

/** Options of {@link removeImages}. */
export interface RemoveOptions extends AbortOptions {
  readonly force: boolean;
  readonly otherSide?: OtherSide | undefined;
  readonly onSkipped: (error: FinchError) => void;
  readonly onNotFreed: (error: FinchError) => void;
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
  { force, otherSide, onSkipped, onNotFreed, signal }: RemoveOptions,
): Promise<Removed> {
  const found = texts.map((text) => meant(store, text, { force, otherSide }));
  const errors = found.filter((result) => result instanceof FinchError);
  const [first] = errors;
  if (force) errors.forEach(onSkipped);
  else if (first !== undefined) throw together(errors, first);
  const all = found.flatMap((result) => (result instanceof FinchError ? [] : [result]));
  const wanted = new Map(
    all.flatMap(({ records }) => records.map((record) => [record.name, record] as const)),
  );
  const others = new Map(
    all.flatMap(({ others }) =>
      others.map((other) => [other.name ?? other.digest, other] as const),
    ),
  );
  // Else an older one of the store would be back under the name.
  const counting = new Map<string, OtherImage>();
  for (const other of others.values()) {
    const { name, isOutdated } = other;
    if (name === undefined || isOutdated) continue;
    counting.set(name, other);
    const record = store.name(name);
    if (record !== undefined) wanted.set(name, record);
  }
  const diffIds = await layersOf(store, [...wanted.values()], { signal });
  signal?.throwIfAborted();
  const refused = (await otherSide?.remove([...others.values()])) ?? new Map();
  const names = [...wanted.values()].flatMap(({ name, target }) => {
    const other = counting.get(name);
    if (other !== undefined && refused.has(other)) return [];
    return [{ name, digest: other?.digest ?? target.digest }];
  });
  await store.changeNames({ remove: names.map(({ name }) => name) });
  const digests = await freed(store, { onNotFreed });
  const layers = new Set(digests.flatMap((digest) => diffIds.get(digest) ?? []));
  return { names, layers: [...layers], refused: [...refused.values()] };
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

/** What a text means, on both sides. */
interface Meant {
  readonly records: readonly ImageRecord[];
  readonly others: readonly OtherImage[];
}

function meant(
  store: ImageStore,
  text: string,
  { force, otherSide }: Pick<RemoveOptions, 'force' | 'otherSide'>,
): Meant | FinchError {
  const [here, there] = [findImages(store, text), otherSide?.find(text) ?? []];
  // Where a name is on one side, its text is that name on the other too, and no id.
  const whole = wholeName(text);
  const named = whole !== undefined && [...here, ...there].some(({ name }) => name === whole);
  const only = <T extends { readonly name: string | undefined }>(images: readonly T[]) =>
    named ? images.filter(({ name }) => name === whole) : images;
  const [records, others] = [only(here), only(there)];
  const digests = new Set([
    ...records.map(({ target }) => target.digest),
    ...others.map(({ digest }) => digest),
  ]);
  const hint = 'see what is here with: finch images';
  if (digests.size === 0) {
    return new FinchError('IMAGE_NOT_FOUND', `no such image: ${text}`, { hint });
  }
  if (named) {
    const counts =
      others.find(({ isOutdated }) => !isOutdated)?.digest ?? records[0]?.target.digest;
    const hidden = counts === undefined ? [] : byDigest(whole, counts, { store, otherSide });
    return {
      records: [...records, ...hidden.flatMap((name) => store.name(name) ?? [])],
      others: [...others, ...hidden.flatMap((name) => otherSide?.find(name) ?? [])],
    };
  }
  const names = new Set([...listed(records), ...others].flatMap(({ name }) => name ?? []));
  if (digests.size === 1 && (force || names.size <= 1)) return { records, others };
  return new FinchError('IMAGE_AMBIGUOUS', `multiple IDs found with provided prefix: ${text}`, {
    hint: digests.size === 1 ? 'remove one of its names, or all with --force' : 'give more digits',
  });
}

function wholeName(text: string): string | undefined {
  const reference = tryParseReference(text);
  return reference && formatReference(reference);
}

/** The name by digest that lists leave out because of the tag `whole`, when no other tag does so. */
function byDigest(
  whole: string,
  digest: Digest,
  { store, otherSide }: { store: ImageStore; otherSide: OtherSide | undefined },
): readonly string[] {
  const repository = whole.replace(/:[^:/]*$/, '');
  const same = [
    ...store.targetsByPrefix(digestParts(digest).hex),
    ...(otherSide?.find(digest) ?? []),
  ];
  const isKept = same.some(({ name }) => name !== whole && name?.startsWith(`${repository}:`));
  return isKept ? [] : [`${repository}@${digest}`];
}

/** One error of several. */
export function together(errors: readonly FinchError[], first: FinchError): FinchError {
  if (errors.length === 1) return first;
  const messages = errors.map(({ message }) => message).join('; ');
  return new FinchError(first.code, `${errors.length} errors: ${messages}`, {
    ...(first.hint !== undefined && { hint: first.hint }),
  });
}
