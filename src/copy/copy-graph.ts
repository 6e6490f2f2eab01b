import type { AbortOptions, Content, ContentReader, ContentStore } from '../content.ts';
import { memoryContent } from '../content.ts';
import { FinchError, hasCode } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { childrenOf, type Document, type Index } from '../oci/document.ts';
import { isDocumentType, isManifestType, isNonDistributable } from '../oci/media-types.ts';
import { nextLevel } from '../oci/nesting.ts';
import type { CopyEvent } from './events.ts';
import { readDocument } from './read-document.ts';
import { Slots } from './slots.ts';

/** Blobs that are sent or fetched at once. Peers use 3 to 6; several connections fill a slow link. */
const TRANSFERS = 4;

/** Questions "is it there?" that are asked at once: they cost a round trip and no bandwidth. */
const CHECKS = 16;

/** Manifests that are in memory at once. */
const DOCUMENTS = 12;

/** The most content of one copy. Images have hundreds of parts; indexes in indexes could name endless ones. */
const MOST_PARTS = 50_000;

/** Some members of an index. */
type Members = readonly Descriptor[];

/** How {@link copyGraph} copies. */
export interface CopyOptions extends AbortOptions {
  /** Which members of an index to copy. Default: all. What it throws, the copy throws. */
  readonly choose?: (index: Index, descriptor: Descriptor) => Members | Promise<Members>;
  /** Stores the root, once everything below it is there. Default: {@link ContentStore.write}. */
  readonly finish?: (root: Descriptor, bytes: Uint8Array) => Promise<void>;
  /** Told of everything that happens, in order for one descriptor. */
  readonly onEvent?: (event: CopyEvent) => void;
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
export async function copyGraph(
  root: Descriptor,
  { from, to }: { readonly from: ContentReader; readonly to: ContentStore },
  options: CopyOptions = {},
): Promise<void> {
  const { choose = (index) => index.manifests, onEvent = () => {} } = options;
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  const checks = new Slots(CHECKS);
  const transfers = new Slots(TRANSFERS);
  const documents = new Slots(DOCUMENTS);
  const started = new Map<string, Promise<void>>();

  const fail = (error: unknown): never => {
    stop.abort(error);
    throw error;
  };

  /** Runs a task when a slot is free, unless something failed by then. */
  const inSlot = <T>(slots: Slots, task: () => Promise<T>, { weight = 0 } = {}): Promise<T> => {
    const guarded = async () => {
      signal.throwIfAborted();
      return await task();
    };
    // The slot is freed after the stop, so that nothing starts in it any more.
    return slots.run(() => guarded().catch(fail), { weight });
  };

  const copyOnce = (descriptor: Descriptor, level: number): Promise<void> => {
    // A document that a manifest names as a layer is another thing: were they one, manifests in all
    // the slots could wait for one that waits for a slot.
    const key = `${isDocumentType(descriptor.mediaType) ? 'document' : 'blob'} ${descriptor.digest}`;
    const running = started.get(key);
    if (running !== undefined) return running;
    if (started.size === MOST_PARTS) {
      return Promise.reject(tooMany(root)).catch(fail);
    }
    const copying = copyNode(descriptor, level).catch(fail);
    started.set(key, copying);
    return copying;
  };

  const copyNode = async (descriptor: Descriptor, level: number): Promise<void> => {
    onEvent({ kind: 'found', descriptor });
    if (isDocumentType(descriptor.mediaType)) return copyDocument(descriptor, level);
    if (await isThere(descriptor)) return onEvent({ kind: 'exists', descriptor });
    return inSlot(transfers, () => copyBlob(descriptor), { weight: descriptor.size });
  };

  const isThere = (descriptor: Descriptor) => inSlot(checks, () => to.has(descriptor, { signal }));

  const copyBlob = async (descriptor: Descriptor) => {
    onEvent({ kind: 'started', descriptor });
    let content: Content;
    do content = await from.open(descriptor, { signal });
    while (!(await isWritten(descriptor, content)));
    onEvent({ kind: 'done', descriptor });
  };

  /** Writes a blob; false when its bytes are wrong, and may be right when it is opened once more. */
  const isWritten = async (descriptor: Descriptor, content: Content) => {
    let sent = 0;
    const onBytes = (bytes: number) => {
      sent += bytes;
      onEvent({ kind: 'progress', descriptor, bytes });
    };
    try {
      await to.write(descriptor, content, { signal, onBytes });
      return true;
    } catch (error) {
      if (!hasCode(error, 'CONTENT_MISMATCH') || !content.isReplaceable?.()) throw error;
      onEvent({ kind: 'progress', descriptor, bytes: -sent });
      return false;
    }
  };

  const copyDocument = async (descriptor: Descriptor, level: number) => {
    const finish = descriptor.digest === root.digest ? options.finish : undefined;
    const isManifest = isManifestType(descriptor.mediaType);
    // Of an index that is there members may be missing, so it is worth asking only before writing it.
    const known = (isManifest || finish === undefined) && (await isThere(descriptor));
    if (known && isManifest && finish === undefined) return onEvent({ kind: 'exists', descriptor });
    const waiting = await inSlot(documents, async () => {
      const { document, bytes } = await readDocument(from, descriptor, { signal });
      const children = known && isManifest ? [] : await childrenToCopy(document, descriptor);
      const below = isManifest ? level : nextLevel(level, descriptor);
      const copyRest = async () => {
        await all(children.map((child) => copyOnce(child, below)));
        if (known && finish === undefined) return onEvent({ kind: 'exists', descriptor });
        await inSlot(transfers, async () => {
          onEvent({ kind: 'started', descriptor });
          await (finish ?? write)(descriptor, bytes);
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
      : childrenOf(document).filter(({ mediaType }) => !isNonDistributable(mediaType));

  await copyOnce(root, 0).catch((error: unknown) => {
    // What ends first need not be what failed first: a sibling may be quicker to say it was stopped.
    throw options.signal?.aborted ? error : stop.signal.reason;
  });
}

function tooMany({ digest }: Descriptor): FinchError {
  return new FinchError('DOCUMENT_INVALID', `${digest} has more than ${MOST_PARTS} parts`, {
    hint: 'it is no image that anything could run; ask who made it',
  });
}

/** Waits for all, also after one failed, then fails if one did. */
async function all(promises: readonly Promise<void>[]): Promise<void> {
  const failure = (await Promise.allSettled(promises)).find(({ status }) => status === 'rejected');
  if (failure?.status === 'rejected') throw failure.reason;
}
