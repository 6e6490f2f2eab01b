import type { AbortOptions, ContentReader, ContentStore } from '../content.ts';
import { memoryContent } from '../content.ts';
import { FinchError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { childrenOf, type Document, type Index, type Manifest } from '../oci/document.ts';
import { isDocumentType, isManifestType, isNonDistributable } from '../oci/media-types.ts';
import { nextLevel } from '../oci/nesting.ts';
import { copyBlob } from './copy-blob.ts';
import { CopyWork } from './copy-work.ts';
import type { CopyEvent } from './events.ts';
import { readDocument } from './read-document.ts';
import type { UploadSlots } from './upload-slots.ts';

/** The most content of one copy. Images have hundreds of parts; indexes in indexes could name endless ones. */
const MOST_PARTS = 50_000;

/** Some members of an index. */
type Members = readonly Descriptor[];

/** How {@link copyGraph} copies. */
export interface CopyOptions extends AbortOptions {
  /** Which members of an index to copy. Default: all. What it throws, the copy throws. */
  readonly choose?: (index: Index, descriptor: Descriptor) => Members | Promise<Members>;
  /** Whether an index that is there is taken for whole, as a manifest always is. Default: no. */
  readonly trustIndexes?: boolean;
  /** Whether a part of a manifest that is not there need not be looked for. Default: none. */
  readonly isSurelyNew?: (part: Descriptor, manifest: Manifest) => boolean;
  /** How many blobs go at once, shared with other copies to the same registry. Default: four. */
  readonly uploads?: UploadSlots;
  /** Told of everything that happens, in order for one descriptor. */
  readonly onEvent?: (event: CopyEvent) => void;
}

/** One of those that {@link copyGraphs} copies. */
export interface Root {
  readonly descriptor: Descriptor;
  /** Whether the target has it, where that is known. */
  readonly isThere?: boolean | undefined;
  /** Stores it in place of {@link ContentStore.write}, once everything below it is there; also when it is there itself. */
  readonly finish?: ((root: Descriptor, bytes: Uint8Array) => Promise<void>) | undefined;
}

/**
 * Copies what `root` names, and everything below it, from one place to another: blobs first, largest
 * first, then each document as soon as all that it names is there, the root last. What is there
 * already is not sent again; a manifest that is there is taken for whole. Layers that may not be
 * distributed are left where they are.
 *
 * The first failure stops the rest and is what the copy throws; nothing is left running when the
 * promise settles.
 * @throws FinchError of either side, and `DOCUMENT_INVALID` for more than 50,000 parts, or indexes that
 * lie in one another more than 32 deep
 */
export function copyGraph(
  root: Descriptor,
  places: { readonly from: ContentReader; readonly to: ContentStore },
  options: CopyOptions = {},
): Promise<void> {
  return copyGraphs([{ descriptor: root }], places, options);
}

/** {@link copyGraph} of several roots in one walk: what several of them name is copied once. */
export async function copyGraphs(
  roots: readonly Root[],
  { from, to }: { readonly from: ContentReader; readonly to: ContentStore },
  options: CopyOptions = {},
): Promise<void> {
  const { choose = (index) => index.manifests, onEvent = () => {} } = options;
  const { trustIndexes = false, isSurelyNew = () => false } = options;
  const work = new CopyWork(options);
  const { signal } = work;
  const started = new Map<string, Promise<void>>();
  const rootOf = new Map(roots.map((root) => [root.descriptor.digest, root]));

  const copyOnce = (
    descriptor: Descriptor,
    how: { readonly level: number; readonly isNew?: boolean },
  ): Promise<void> => {
    // A document that a manifest names as a layer is another thing: were they one, manifests in all
    // the slots could wait for one that waits for a slot.
    const key = `${isDocumentType(descriptor.mediaType) ? 'document' : 'blob'} ${descriptor.digest}`;
    const running = started.get(key);
    if (running !== undefined) return running;
    if (started.size === MOST_PARTS) return Promise.reject(tooMany(roots)).catch(work.fail);
    const copying = copyNode(descriptor, how).catch(work.fail);
    started.set(key, copying);
    return copying;
  };

  const copyNode = async (
    descriptor: Descriptor,
    { level, isNew = false }: { readonly level: number; readonly isNew?: boolean },
  ): Promise<void> => {
    onEvent({ kind: 'found', descriptor });
    if (isDocumentType(descriptor.mediaType)) return copyDocument(descriptor, level);
    if (!isNew && (await isThere(descriptor))) return onEvent({ kind: 'exists', descriptor });
    const onBlobEvent = (event: CopyEvent) => {
      if (event.kind === 'throttled') work.uploads.throttled();
      onEvent(event);
    };
    const blob = { from, to, signal, onEvent: onBlobEvent };
    return work.transfer(() => copyBlob(descriptor, blob), descriptor);
  };

  const isThere = (descriptor: Descriptor) =>
    work.check(() => to.has(descriptor, { signal }), descriptor);

  const copyDocument = async (descriptor: Descriptor, level: number) => {
    const root = rootOf.get(descriptor.digest);
    const finish = root?.finish;
    const isManifest = isManifestType(descriptor.mediaType);
    const isLeaf = isManifest || trustIndexes;
    // Of an index that is there members may be missing, so it is worth asking only before writing it.
    const asks = isLeaf || finish === undefined;
    const known = root?.isThere ?? (asks && (await isThere(descriptor)));
    const isWhole = known && isLeaf;
    if (isWhole && finish === undefined) return onEvent({ kind: 'exists', descriptor });
    const waiting = await work.read(async () => {
      const { document, bytes } = await readDocument(from, descriptor, { signal });
      const children = isWhole ? [] : await childrenToCopy(document, descriptor);
      const below = isManifest ? level : nextLevel(level, descriptor);
      const isNew = (child: Descriptor) =>
        !known && document.kind === 'manifest' && isSurelyNew(child, document);
      const copyRest = async () => {
        await all(children.map((child) => copyOnce(child, { level: below, isNew: isNew(child) })));
        if (known && finish === undefined) return onEvent({ kind: 'exists', descriptor });
        await work.publish(async () => {
          onEvent({ kind: 'started', descriptor });
          await (finish ?? write)(descriptor, bytes);
          onEvent({ kind: 'progress', descriptor, bytes: bytes.length });
          onEvent({ kind: 'done', descriptor });
        });
      };
      // What waits for other documents leaves its slot to them.
      if (children.some(({ mediaType }) => isDocumentType(mediaType))) return copyRest;
      await copyRest();
      return undefined;
    });
    await waiting?.();
  };

  const write = (descriptor: Descriptor, bytes: Uint8Array) =>
    to.write(descriptor, memoryContent(bytes), { signal });

  const childrenToCopy = (document: Document, descriptor: Descriptor) =>
    document.kind === 'index'
      ? choose(document, descriptor)
      : // The first ones find free slots, so the order counts from the beginning.
        childrenOf(document)
          .filter(({ mediaType }) => !isNonDistributable(mediaType))
          .toSorted((a, b) => b.size - a.size);

  await all(roots.map(({ descriptor }) => copyOnce(descriptor, { level: 0 }))).catch(
    (error: unknown) => {
      throw work.reason(error);
    },
  );
}

function tooMany(roots: readonly Root[]): FinchError {
  const [root, second] = roots;
  const what = second === undefined ? root?.descriptor.digest : 'what is to be copied';
  return new FinchError('DOCUMENT_INVALID', `${what} has more than ${MOST_PARTS} parts`, {
    hint: 'it is no image that anything could run; ask who made it',
  });
}

/** Waits for all, also after one failed, then fails if one did. */
async function all(promises: readonly Promise<void>[]): Promise<void> {
  const failure = (await Promise.allSettled(promises)).find(({ status }) => status === 'rejected');
  if (failure?.status === 'rejected') throw failure.reason;
}
