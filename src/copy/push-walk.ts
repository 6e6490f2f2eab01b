import type { AbortOptions, ContentReader } from '../content.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import type { Manifest } from '../oci/document.ts';
import { isDocumentType, isImageConfigType, isIndexType } from '../oci/media-types.ts';
import type { Repository } from '../registry/repository.ts';
import { copyGraphs, type Root } from './copy-graph.ts';
import { watchSource } from './damaged-source.ts';
import type { CopyEvent } from './events.ts';
import { firstOf } from './first-of.ts';
import type { PushTarget } from './push-target.ts';
import { Slots } from './slots.ts';
import type { UploadSlots } from './upload-slots.ts';

/** What is sent at once to a repository that has nothing: looking for it would take as long. */
const SMALL_BYTES = 64 * 1024;

/** Tags that are asked for at once. */
const QUESTIONS = 16;

/** Connections that are opened as soon as it is likely that uploads follow. */
const AHEAD_OF_UPLOADS = 2;

/** Where the targets of one repository come from. */
export interface PushWay {
  /** The source of those targets that name none. */
  readonly from: ContentReader;
  /** What the bytes go through on their way. */
  readonly through: (reader: ContentReader) => ContentReader;
  readonly uploads: UploadSlots;
}

/** How one walk goes. */
interface WalkOptions extends AbortOptions {
  readonly verifyMembers: boolean;
  /** Whether no document is taken for whole, and every blob is asked for; no tag is given then. */
  readonly anew?: boolean;
  readonly onEvent: (event: CopyEvent) => void;
}

/**
 * Brings images to one repository, in one walk.
 * @throws what failed first, which stopped the rest
 */
export async function pushWalk(
  targets: readonly PushTarget[],
  { to, from, through, uploads }: PushWay & { readonly to: Repository },
  { verifyMembers, anew = false, signal, onEvent }: WalkOptions,
): Promise<void> {
  const source = watchSource(firstOf(targets.map((target) => target.from ?? from)));
  const copy = (roots: readonly Root[], store: Repository, isEmpty: boolean) => {
    const isSurelyNew = (part: Descriptor, { config }: Manifest) =>
      !anew &&
      ((part.digest === config.digest && isImageConfigType(part.mediaType)) ||
        (isEmpty && part.size <= SMALL_BYTES));
    const walk = { isSurelyNew, trustIndexes: !verifyMembers, uploads, signal, onEvent };
    return copyGraphs(roots, { from: through(source), to: store }, walk);
  };
  try {
    signal?.throwIfAborted();
    if (anew) {
      const roots = targets.map(({ root }) => ({ descriptor: root, isThere: false }));
      return await copy(roots, withoutDocuments(to), false);
    }
    const wanted = await missingTags(targets, to, { signal, verifyMembers });
    const roots: Root[] = [];
    for (const { root, isThere, tags } of wanted.roots) {
      if (isThere && tags.length === 0 && !(verifyMembers && isIndexType(root.mediaType))) {
        onEvent({ kind: 'found', descriptor: root });
        onEvent({ kind: 'exists', descriptor: root });
        continue;
      }
      const finish = (document: Descriptor, bytes: Uint8Array) =>
        to.tag(tags, document, bytes, { signal });
      roots.push({ descriptor: root, isThere, ...(tags.length > 0 && { finish }) });
    }
    await copy(roots, to, wanted.isEmpty);
  } catch (error) {
    signal?.throwIfAborted();
    throw await source.explain(error, { signal }).catch(() => error);
  }
}

/** A repository that seems to have blobs only, so that whoever copies to it looks below each document. */
function withoutDocuments(to: Repository): Repository {
  return {
    ...to,
    has: async (part, options) => !isDocumentType(part.mediaType) && to.has(part, options),
  };
}

/** One root of a push to a repository. */
interface WantedRoot {
  readonly root: Descriptor;
  /** Whether the registry has it; undefined when nobody asked. */
  readonly isThere: boolean | undefined;
  /** The tags that are to be given to it. */
  readonly tags: readonly string[];
}

/**
 * Asks what the tags name now, and for the roots that have not all of theirs; a root that was never seen there is asked
 * for at the same time, which also opens a second connection. `isEmpty`: the tags name nothing.
 */
async function missingTags(
  targets: readonly PushTarget[],
  to: Repository,
  { signal, verifyMembers }: AbortOptions & { verifyMembers: boolean },
): Promise<{ readonly roots: readonly WantedRoot[]; readonly isEmpty: boolean }> {
  const questions = new Slots(QUESTIONS);
  const asked = new Map<string, Promise<Digest | undefined>>();
  let isEmpty = true;
  let ahead = AHEAD_OF_UPLOADS;
  const ask = (reference: string, options: AbortOptions & { readonly ahead?: number }) => {
    const asking =
      asked.get(reference) ??
      questions.run(async () => (await to.resolve(reference, options))?.digest);
    asked.set(reference, asking);
    return asking;
  };
  const askTag = async (reference: string) => {
    const digest = await ask(reference, { signal });
    if (digest !== undefined) isEmpty = false;
    return digest;
  };
  const askRoot = async (root: Descriptor) => {
    const asking = ask(root.digest, { signal, ahead });
    ahead = 0;
    return (await asking) === root.digest;
  };
  const wanted = async (same: readonly [PushTarget, ...PushTarget[]]): Promise<WantedRoot> => {
    const [{ root }] = same;
    const tags = [...new Set(same.flatMap((target) => target.tags))];
    // Of an index whose members are asked for it says nothing.
    const isWorthAsking = !(verifyMembers && isIndexType(root.mediaType));
    const isNew = isWorthAsking && !to.wasHere(root.digest);
    const asking = (tags.length === 0 ? [root.digest] : tags).map(askTag);
    const askingRoot = isNew ? askRoot(root) : undefined;
    // Nothing is left running when one of them fails.
    await Promise.allSettled([...asking, askingRoot]);
    const [isThere, named] = [await askingRoot, await Promise.all(asking)];
    const isNamed = isThere || named.includes(root.digest);
    return {
      root,
      isThere: isNamed || (isWorthAsking ? !isNew && (await askRoot(root)) : undefined),
      tags: tags.filter((_, i) => named[i] !== root.digest),
    };
  };
  const byRoot = new Map<Digest, [PushTarget, ...PushTarget[]]>();
  for (const target of targets) {
    const same = byRoot.get(target.root.digest);
    if (same) same.push(target);
    else byRoot.set(target.root.digest, [target]);
  }
  const roots = await Promise.all(Array.from(byRoot.values(), wanted));
  return { roots, isEmpty };
}
