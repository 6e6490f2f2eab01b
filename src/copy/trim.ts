import { type Descriptor, describe } from '../oci/descriptor.ts';
import { type Digest, digestOf } from '../oci/digest.ts';
import { trimIndex } from '../oci/document.ts';
import { isJsonObject, parseJsonObject } from '../oci/json.ts';
import { type LocalIndex, type Member, memberName } from './members.ts';

/** What decides which members stay. */
export interface TrimOptions {
  /** Whether an image, or what else is neither an index nor an attestation, stays. */
  readonly isWanted: (member: Member) => boolean;
  /** Whether an attestation stays that speaks about something which is not in its index. */
  readonly keepStray: boolean;
}

/** An index without some of its members. */
export interface Trimmed {
  /** The smaller index, or the one given when nothing is dropped. Undefined when nothing stays. */
  readonly root: Descriptor | undefined;
  /** The documents that were made: the root, and smaller ones of the indexes in it. */
  readonly made: ReadonlyMap<Digest, Uint8Array>;
  /** Names of what is dropped, each once. */
  readonly dropped: readonly string[];
}

/**
 * Takes from an index, and from the indexes in it, what is not wanted. What stays keeps its order, each
 * image with those of its attestations that are here. An index of which nothing stays goes as a whole.
 */
export function trimMembers(root: Descriptor, index: LocalIndex, options: TrimOptions): Trimmed {
  const made = new Map<Digest, Uint8Array>();
  const dropped = new Set<string>();
  const known = new Map<LocalIndex, Descriptor | undefined>();

  const trimOnce = (descriptor: Descriptor, local: LocalIndex): Descriptor | undefined => {
    const trimmed = known.has(local) ? known.get(local) : trim(descriptor, local);
    known.set(local, trimmed);
    return trimmed;
  };

  const trim = (descriptor: Descriptor, { bytes, members }: LocalIndex): Descriptor | undefined => {
    const images = members.map((member) => keptImage(member));
    if (members.length > 0 && images.every((image) => image === undefined)) return undefined;
    const here = new Set<string>(members.map((member) => member.descriptor.digest));
    const keptDigests = new Set<string>(
      members.flatMap((member, i) => (images[i] ? [member.descriptor.digest] : [])),
    );
    const kept = members.map((member, i) => {
      const { about } = member;
      if (about === undefined) return images[i];
      const goesAlong = keptDigests.has(about) || (options.keepStray && !here.has(about));
      if (member.isHere && goesAlong) return member.descriptor;
      // That an image's attestations go with it needs no word.
      if (keptDigests.has(about) || !here.has(about)) dropped.add(memberName(member));
      return undefined;
    });
    const smaller = rewrite(bytes, { members, kept, what: `index ${descriptor.digest}` });
    if (smaller === bytes) return descriptor;
    const result = { ...descriptor, ...describe(descriptor.mediaType, digestOf(smaller), smaller) };
    made.set(result.digest, smaller);
    return result;
  };

  const keptImage = (member: Member): Descriptor | undefined => {
    if (member.about !== undefined) return undefined;
    const kept = member.index
      ? trimOnce(member.descriptor, member.index)
      : options.isWanted(member)
        ? member.descriptor
        : undefined;
    if (kept === undefined && !member.index) dropped.add(memberName(member));
    // Of a nested index each entry keeps its own platform and annotations.
    return kept && { ...member.descriptor, digest: kept.digest, size: kept.size };
  };

  const newRoot = trimOnce(root, index);
  return { root: newRoot, made, dropped: [...dropped] };
}

/** The bytes of an index with `kept` for its members: undefined drops one, another digest replaces it. */
function rewrite(
  bytes: Uint8Array,
  {
    members,
    kept,
    what,
  }: {
    members: readonly Member[];
    kept: readonly (Descriptor | undefined)[];
    what: string;
  },
): Uint8Array {
  let position = 0;
  // By position and not by digest: one manifest may be there for two platforms.
  const trimmed = trimIndex(bytes, { keep: () => kept[position++] !== undefined, what });
  const isReplaced = members.some(
    ({ descriptor }, i) => (kept[i]?.digest ?? descriptor.digest) !== descriptor.digest,
  );
  if (!isReplaced) return trimmed;
  const json = parseJsonObject(trimmed, what);
  const entries: readonly unknown[] = Array.isArray(json['manifests']) ? json['manifests'] : [];
  const left = kept.filter((one) => one !== undefined);
  const manifests = entries.map((entry, i) =>
    isJsonObject(entry) ? { ...entry, digest: left[i]?.digest, size: left[i]?.size } : entry,
  );
  return new TextEncoder().encode(JSON.stringify({ ...json, manifests }));
}
