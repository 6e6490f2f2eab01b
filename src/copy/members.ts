import type { AbortOptions, ContentReader } from '../content.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { attestationSubject, childrenOf } from '../oci/document.ts';
import { isIndexType, isNonDistributable } from '../oci/media-types.ts';
import { nextLevel } from '../oci/nesting.ts';
import { formatPlatform, type Platform } from '../oci/platform.ts';
import { readPlatformImage } from './platforms.ts';
import { readDocument } from './read-document.ts';

/** A member of an index, with what decides whether it goes along. */
export interface Member {
  readonly descriptor: Descriptor;
  /** Whether it and everything below it is here. */
  readonly isHere: boolean;
  /** Undefined for what is made for no platform, and for what cannot say because it is not here. */
  readonly platform: Platform | undefined;
  /** The digest of the image manifest that an attestation speaks about. */
  readonly about: string | undefined;
  /** Set when the member is an index that is here itself. */
  readonly index: LocalIndex | undefined;
}

/** An index in the store. */
export interface LocalIndex {
  readonly bytes: Uint8Array;
  /** In the order of the index. */
  readonly members: readonly Member[];
  /** Levels of indexes: 1 when there is none in it. */
  readonly levels: number;
}

/**
 * The index that `root` names, with the indexes in it. One that is named several times is read once.
 * @throws FinchError as `readDocument`, and `DOCUMENT_INVALID` for indexes more than 32 deep
 */
export function readLocalIndex(
  root: Descriptor,
  store: ContentReader,
  { signal }: AbortOptions,
): Promise<LocalIndex> {
  const started = new Map<Digest, Promise<LocalIndex>>();

  const readOnce = (descriptor: Descriptor): Promise<LocalIndex> => {
    const reading = started.get(descriptor.digest) ?? read(descriptor);
    started.set(descriptor.digest, reading);
    return reading;
  };

  const read = async (descriptor: Descriptor): Promise<LocalIndex> => {
    const { document, bytes } = await readDocument(store, descriptor, { signal });
    const members = await Promise.all(childrenOf(document).map(readMember));
    // From below and not from above: by another way an index may lie deeper than where it was met first.
    const inner = Math.max(0, ...members.map(({ index }) => index?.levels ?? 0));
    return { bytes, members, levels: nextLevel(inner, descriptor) };
  };

  const readMember = async (descriptor: Descriptor): Promise<Member> => {
    const about = attestationSubject(descriptor);
    const declared = about === undefined ? descriptor.platform : undefined;
    if (!(await store.has(descriptor, { signal }))) {
      const isHere = isNonDistributable(descriptor.mediaType);
      return { descriptor, isHere, platform: declared, about, index: undefined };
    }
    if (isIndexType(descriptor.mediaType)) {
      const index = await readOnce(descriptor);
      const isHere = index.members.every((member) => member.isHere);
      return { descriptor, isHere, platform: declared, about, index };
    }
    const image =
      declared === undefined ? await readPlatformImage(store, descriptor, { signal }) : undefined;
    return {
      descriptor,
      isHere: true,
      platform: declared ?? image?.platform,
      about,
      index: undefined,
    };
  };

  return readOnce(root);
}

/** The members of an index and of those in it that are no indexes themselves, or cannot be opened. */
export function leavesOf(root: LocalIndex): readonly Member[] {
  const seen = new Set<LocalIndex>();
  const visit = (index: LocalIndex): readonly Member[] => {
    if (seen.has(index)) return [];
    seen.add(index);
    return index.members.flatMap((member) => (member.index ? visit(member.index) : [member]));
  };
  return visit(root);
}

/** What messages call a member: its platform as `--platform` takes it, or else its digest. */
export function memberName({ descriptor, platform, about }: Member): string {
  if (about !== undefined) return 'attestations';
  if (platform === undefined) return descriptor.digest;
  const { osVersion } = platform;
  return formatPlatform(platform) + (osVersion === undefined ? '' : `:${osVersion}`);
}
