import type { AbortOptions, ContentReader } from '../content.ts';
import { memoryContent } from '../content.ts';
import { FinchError, hasCode } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { isIndexType } from '../oci/media-types.ts';
import {
  formatPlatform,
  matchesPlatform,
  type Platform,
  type PlatformSelector,
} from '../oci/platform.ts';
import { type LocalIndex, leavesOf, memberName, readLocalIndex } from './members.ts';
import { readPlatformImage } from './platforms.ts';
import { trimMembers } from './trim.ts';

/** Which platforms of an image to take. */
export type PlatformChoice =
  /** What is here, which may be less than the index names. */
  | { readonly kind: 'present' }
  /** All that the index names. */
  | { readonly kind: 'all' }
  | {
      readonly kind: 'named';
      readonly platforms: readonly PlatformSelector[];
      /** Whether nobody asked for them: what exists for another platform only will do, too. */
      readonly isDefault?: boolean;
    };

/** An image as it will be pushed. */
export interface Selection {
  /** The root to push: the image's own, or a smaller index made from it. */
  readonly root: Descriptor;
  /** Reads the root and everything below it. */
  readonly from: ContentReader;
  /** The platforms that the image has and the selection has not. Empty when the root is unchanged. */
  readonly dropped: readonly string[];
}

/**
 * What of a local image to push. The members of an index that are chosen stay in their order, each with
 * its attestations, and so do those of indexes in it; when nothing is dropped the bytes, and so the digest, are the stored ones.
 * @param name the image as the user calls it, for messages
 * @throws FinchError `PLATFORM_MISSING` when a chosen platform is not here, `CONTENT_DAMAGED` when what is
 *   here of the image is no longer whole
 */
export async function selectPlatforms(
  image: { readonly name: string; readonly root: Descriptor },
  store: ContentReader,
  { choice, signal }: AbortOptions & { choice: PlatformChoice },
): Promise<Selection> {
  const { name, root } = image;
  if (!isIndexType(root.mediaType)) return selectManifest(image, store, { choice, signal });
  const index = await readLocalIndex(root, store, { signal });
  const whole = { root, from: store, dropped: [] };
  checkChoice(index, { choice, name });
  if (choice.kind === 'present') await refuseDamaged(index, store, { name, signal });
  if (choice.kind === 'all') return whole;
  const trimmed = trimMembers(root, index, {
    isWanted: ({ isHere, platform }) =>
      isHere &&
      (choice.kind !== 'named' ||
        platform === undefined ||
        choice.platforms.some((selector) => matchesPlatform(selector, platform))),
    keepStray: choice.kind === 'present',
  });
  if (trimmed.root === undefined) {
    throw new FinchError('PLATFORM_MISSING', `no platform of ${name} is in the local store`, {
      hint: `get one with: finch pull ${name}`,
    });
  }
  if (trimmed.root.digest === root.digest) return whole;
  const { made, dropped } = trimmed;
  return { root: trimmed.root, from: withDocuments(store, made), dropped };
}

/** @throws FinchError `PLATFORM_MISSING` when what is chosen is not here */
function checkChoice(
  index: LocalIndex,
  { choice, name }: { choice: PlatformChoice; name: string },
): void {
  const leaves = leavesOf(index);
  const has = leaves.flatMap(({ isHere, platform }) => (isHere && platform ? [platform] : []));
  if (choice.kind === 'named') {
    for (const selector of choice.platforms) {
      if (!has.some((platform) => matchesPlatform(selector, platform))) {
        throw platformMissing(selector, { name, has });
      }
    }
  }
  const missing = new Set(leaves.filter(({ isHere }) => !isHere).map(memberName));
  if (choice.kind === 'all' && missing.size > 0) {
    throw new FinchError(
      'PLATFORM_MISSING',
      `${name} is not all here: ${[...missing].join(', ')} missing`,
      {
        hint: `${listPlatforms('here', has)}; get the rest with: finch pull --all-platforms ${name}`,
      },
    );
  }
}

/**
 * A platform that was never here is left out; one whose content was here and is not intact must not
 * vanish from what is pushed.
 * @throws FinchError `CONTENT_DAMAGED`
 */
async function refuseDamaged(
  index: LocalIndex,
  store: ContentReader,
  { name, signal }: AbortOptions & { name: string },
): Promise<void> {
  for (const member of leavesOf(index)) {
    if (member.isHere || !(await wasHere(store, member.descriptor, { signal }))) continue;
    throw new FinchError(
      'CONTENT_DAMAGED',
      `${memberName(member)} of ${name} is damaged in the local store`,
      { hint: 'pull or load the image again, or choose what to push with --platform' },
    );
  }
}

/** Whether the store knows content that it does not have whole: itself changed, or without its parts. */
async function wasHere(
  store: ContentReader,
  descriptor: Descriptor,
  options: AbortOptions,
): Promise<boolean> {
  try {
    await store.open(descriptor, options);
    return true;
  } catch (error) {
    if (hasCode(error, 'CONTENT_DAMAGED')) return true;
    if (hasCode(error, 'CONTENT_MISSING')) return false;
    throw error;
  }
}

async function selectManifest(
  { name, root }: { name: string; root: Descriptor },
  store: ContentReader,
  { choice, signal }: AbortOptions & { choice: PlatformChoice },
): Promise<Selection> {
  if (choice.kind === 'named') {
    const image = await readPlatformImage(store, root, { signal });
    const has = image === undefined ? [] : [image.platform];
    for (const selector of choice.platforms) {
      if (!has.some((platform) => matchesPlatform(selector, platform))) {
        throw platformMissing(selector, { name, has });
      }
    }
  }
  return { root, from: store, dropped: [] };
}

function platformMissing(
  selector: PlatformSelector,
  { name, has }: { name: string; has: readonly Platform[] },
): FinchError {
  const wanted = formatPlatform(selector);
  return new FinchError('PLATFORM_MISSING', `${name} has no ${wanted} in the local store`, {
    hint: `load or pull an image that has it; ${listPlatforms('here', has)}`,
  });
}

/** A list for hints: `here: linux/amd64, linux/arm64`. */
export function listPlatforms(label: string, platforms: readonly Platform[]): string {
  const names = [...new Set(platforms.map(formatPlatform))];
  return `${label}: ${names.join(', ') || 'none'}`;
}

/** The store, with some documents more than it holds. */
function withDocuments(
  store: ContentReader,
  documents: ReadonlyMap<Digest, Uint8Array>,
): ContentReader {
  return {
    has: async (descriptor, options) =>
      documents.has(descriptor.digest) || store.has(descriptor, options),
    open: async (descriptor, options) => {
      const bytes = documents.get(descriptor.digest);
      return bytes === undefined ? store.open(descriptor, options) : memoryContent(bytes);
    },
  };
}
