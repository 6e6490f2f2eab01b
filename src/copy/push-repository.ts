import type { AbortOptions, ContentReader } from '../content.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import type { Manifest } from '../oci/document.ts';
import { isImageConfigType, isIndexType } from '../oci/media-types.ts';
import type { Repository } from '../registry/repository.ts';
import { copyGraphs, type Root } from './copy-graph.ts';
import { watchSource } from './damaged-source.ts';
import type { CopyEvent } from './events.ts';
import { firstOf } from './first-of.ts';
import type { PushOptions, PushOutcome, PushTarget } from './push-target.ts';
import { Slots } from './slots.ts';
import type { UploadSlots } from './upload-slots.ts';
import { verifyPush } from './verify-push.ts';

/** What is sent at once to a repository that has nothing: looking for it would take as long. */
const SMALL_BYTES = 64 * 1024;

/** Tags that are asked for at once. */
const QUESTIONS = 16;

/** Connections that are opened while the first answer is on its way: one, for mostly that answer is all. */
const AHEAD = 1;

/** Connections that are opened as soon as it is clear that uploads may follow. */
const AHEAD_OF_UPLOADS = 2;

/** Where the targets of one repository come from. */
export interface PushWay {
  /** The source of those targets that name none. */
  readonly from: ContentReader;
  /** What the bytes go through on their way. */
  readonly through: (reader: ContentReader) => ContentReader;
  readonly uploads: UploadSlots;
}

/**
 * Pushes images to one repository, in one walk.
 * @returns how each ended. What failed first stopped the others.
 */
export async function pushToRepository(
  targets: readonly PushTarget[],
  { from, through, uploads }: PushWay,
  options: PushOptions,
): Promise<readonly PushOutcome[]> {
  const { verifyMembers = false, verify = false, signal } = options;
  const [first] = targets;
  if (first === undefined) return [];
  const { to } = first;
  const ended = new Set<Digest>();
  const onEvent = (event: CopyEvent) => {
    if (event.kind === 'done' || event.kind === 'exists') ended.add(event.descriptor.digest);
    options.onEvent?.(event, to);
  };
  const source = watchSource(firstOf(targets.map((target) => target.from ?? from)));
  const outcomeOf = (target: PushTarget, error?: unknown): PushOutcome => {
    const { digest } = target.root;
    return error === undefined ? { target, digest } : { target, digest, error };
  };
  try {
    signal?.throwIfAborted();
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
    const isSurelyNew = (part: Descriptor, { config }: Manifest) =>
      (part.digest === config.digest && isImageConfigType(part.mediaType)) ||
      (wanted.isEmpty && part.size <= SMALL_BYTES);
    const walk = { isSurelyNew, trustIndexes: !verifyMembers, uploads, signal, onEvent };
    await copyGraphs(roots, { from: through(source), to }, walk);
  } catch (error) {
    const shown = await source.explain(error, { signal }).catch(() => error);
    return targets.map((target) =>
      ended.has(target.root.digest) ? outcomeOf(target) : outcomeOf(target, shown),
    );
  }
  if (!verify) return targets.map((target) => outcomeOf(target));
  return Promise.all(
    targets.map((target) =>
      verifyPush({ ...target, to }, { signal }).then(
        () => outcomeOf(target),
        (error: unknown) => outcomeOf(target, error),
      ),
    ),
  );
}

/** One root of a push to a repository. */
interface WantedRoot {
  readonly root: Descriptor;
  /** Whether the registry has it; undefined when nobody asked. */
  readonly isThere: boolean | undefined;
  /** The tags that are to be given to it. */
  readonly tags: readonly string[];
}

/** Asks what the tags name now, and for the roots that have not all of theirs. `isEmpty`: the tags name nothing. */
async function missingTags(
  targets: readonly PushTarget[],
  to: Repository,
  { signal, verifyMembers }: AbortOptions & { verifyMembers: boolean },
): Promise<{ readonly roots: readonly WantedRoot[]; readonly isEmpty: boolean }> {
  const questions = new Slots(QUESTIONS);
  const asked = new Map<string, Promise<Digest | undefined>>();
  let isEmpty = true;
  const ask = (reference: string, ahead: number) => {
    const asking =
      asked.get(reference) ??
      questions.run(async () => (await to.resolve(reference, { signal, ahead }))?.digest);
    asked.set(reference, asking);
    return asking;
  };
  const askTag = async (reference: string) => {
    const digest = await ask(reference, asked.size === 0 ? AHEAD : 0);
    if (digest !== undefined) isEmpty = false;
    return digest;
  };
  let ahead = AHEAD_OF_UPLOADS;
  const isThere = async (root: Descriptor, named: readonly (Digest | undefined)[]) => {
    if (named.includes(root.digest)) return true;
    // Of an index whose members are asked for it says nothing.
    if (verifyMembers && isIndexType(root.mediaType)) return undefined;
    const asking = ask(root.digest, ahead);
    ahead = 0;
    return (await asking) === root.digest;
  };
  const wanted = async (same: readonly [PushTarget, ...PushTarget[]]): Promise<WantedRoot> => {
    const [{ root }] = same;
    const tags = [...new Set(same.flatMap((target) => target.tags))];
    const named = await Promise.all((tags.length === 0 ? [root.digest] : tags).map(askTag));
    return {
      root,
      isThere: await isThere(root, named),
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
