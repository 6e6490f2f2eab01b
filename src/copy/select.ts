import type { AbortOptions, Content, ContentReader } from '../content.ts';
import { memoryContent } from '../content.ts';
import { FinchError } from '../errors.ts';
import { type Descriptor, describe } from '../oci/descriptor.ts';
import { type Digest, digestOf } from '../oci/digest.ts';
import { attestationSubject, childrenOf, trimIndex } from '../oci/document.ts';
import { isIndexType, isManifestType, isNonDistributable } from '../oci/media-types.ts';
import {
  formatPlatform,
  matchesPlatform,
  type Platform,
  type PlatformSelector,
} from '../oci/platform.ts';
import { readPlatformImage } from './platforms.ts';
import { readDocument } from './read-document.ts';

/** Which platforms of an image to take. */
export type PlatformChoice =
  /** What is here, which may be less than the index names. */
  | { readonly kind: 'present' }
  /** All that the index names. */
  | { readonly kind: 'all' }
  | { readonly kind: 'named'; readonly platforms: readonly PlatformSelector[] };

/** An image as it will be pushed. */
export interface Selection {
  /** The root to push: the image's own, or a smaller index made from it. */
  readonly root: Descriptor;
  /** Reads the root and everything below it. */
  readonly from: ContentReader;
  /** The platforms that the image has and the selection has not. Empty when the root is unchanged. */
  readonly dropped: readonly string[];
}

/** A member of an index, with what decides whether it goes along. */
interface Member {
  readonly descriptor: Descriptor;
  readonly isHere: boolean;
  /** Undefined for what is made for no platform, and for what cannot say because it is not here. */
  readonly platform: Platform | undefined;
  /** The digest of the image manifest that an attestation speaks about. */
  readonly about: string | undefined;
}

/**
 * What of a local image to push. The members of an index that are chosen stay in their order, each with
 * its attestations; when nothing is dropped the bytes, and so the digest, are the stored ones.
 * @param name the image as the user calls it, for messages
 * @throws FinchError `PLATFORM_MISSING` when a chosen platform is not here
 */
export async function selectPlatforms(
  image: { readonly name: string; readonly root: Descriptor },
  store: ContentReader,
  { choice, signal }: AbortOptions & { choice: PlatformChoice },
): Promise<Selection> {
  const { name, root } = image;
  if (!isIndexType(root.mediaType)) return selectManifest(image, store, { choice, signal });
  const { document, bytes } = await readDocument(store, root, { signal });
  const members = await Promise.all(
    childrenOf(document).map((member) => readMember(member, store, { signal })),
  );
  const kept = chooseMembers(members, { choice, name });
  const what = `index ${root.digest}`;
  const trimmed = trimIndex(bytes, { keep: ({ digest }) => kept.has(digest), what });
  if (trimmed === bytes) return { root, from: store, dropped: [] };
  const newRoot = { ...root, ...describe(root.mediaType, digestOf(trimmed), trimmed) };
  const dropped = members.filter(({ descriptor }) => !kept.has(descriptor.digest)).map(memberName);
  return { root: newRoot, from: withRoot(store, newRoot, trimmed), dropped: [...new Set(dropped)] };
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

async function readMember(
  descriptor: Descriptor,
  store: ContentReader,
  { signal }: AbortOptions,
): Promise<Member> {
  const about = attestationSubject(descriptor);
  const isHere = await isWhole(descriptor, store, { signal });
  const declared = about === undefined ? descriptor.platform : undefined;
  const image =
    declared === undefined && isHere
      ? await readPlatformImage(store, descriptor, { signal })
      : undefined;
  return { descriptor, isHere, platform: declared ?? image?.platform, about };
}

/** Whether a document and everything below it is here. */
async function isWhole(
  descriptor: Descriptor,
  store: ContentReader,
  { signal }: AbortOptions,
): Promise<boolean> {
  if (!(await store.has(descriptor, { signal }))) return isNonDistributable(descriptor.mediaType);
  if (isManifestType(descriptor.mediaType) || !isIndexType(descriptor.mediaType)) return true;
  const { document } = await readDocument(store, descriptor, { signal });
  const whole = await Promise.all(
    childrenOf(document).map((child) => isWhole(child, store, { signal })),
  );
  return whole.every(Boolean);
}

function chooseMembers(
  members: readonly Member[],
  { choice, name }: { choice: PlatformChoice; name: string },
): ReadonlySet<Digest> {
  const platformsHere = () =>
    members.flatMap(({ isHere, platform }) => (isHere && platform ? [platform] : []));
  if (choice.kind === 'all') {
    const missing = members.filter(({ isHere }) => !isHere).map(memberName);
    if (missing.length > 0) {
      throw new FinchError(
        'PLATFORM_MISSING',
        `${name} is not all here: ${missing.join(', ')} missing`,
        {
          hint: `${listPlatforms('here', platformsHere())}; get the rest with: finch pull --all-platforms ${name}`,
        },
      );
    }
  }
  const isWanted = ({ isHere, platform }: Member) =>
    isHere &&
    (choice.kind !== 'named' ||
      platform === undefined ||
      choice.platforms.some((selector) => matchesPlatform(selector, platform)));
  const images = members.filter((member) => member.about === undefined && isWanted(member));
  if (choice.kind === 'named') {
    for (const selector of choice.platforms) {
      const isThere = images.some(
        ({ platform }) => platform && matchesPlatform(selector, platform),
      );
      if (!isThere) throw platformMissing(selector, { name, has: platformsHere() });
    }
  }
  if (images.length === 0 && members.length > 0) {
    throw new FinchError('PLATFORM_MISSING', `no platform of ${name} is in the local store`, {
      hint: `get one with: finch pull ${name}`,
    });
  }
  const kept = new Set<Digest>(images.map(({ descriptor }) => descriptor.digest));
  for (const { descriptor, isHere, about } of members) {
    if (isHere && about !== undefined && kept.has(about as Digest)) kept.add(descriptor.digest);
  }
  return kept;
}

function platformMissing(
  selector: PlatformSelector,
  { name, has }: { name: string; has: readonly Platform[] },
): FinchError {
  const wanted = formatPlatform(selector);
  return new FinchError('PLATFORM_MISSING', `${name} has no ${wanted} in the local store`, {
    hint: `${listPlatforms('here', has)}; get it with: finch pull --platform ${wanted} ${name}`,
  });
}

/** A list for hints: `here: linux/amd64, linux/arm64`. */
export function listPlatforms(label: string, platforms: readonly Platform[]): string {
  const names = [...new Set(platforms.map(formatPlatform))];
  return `${label}: ${names.join(', ') || 'none'}`;
}

function memberName({ descriptor, platform, about }: Member): string {
  if (about !== undefined) return 'attestations';
  return platform === undefined ? descriptor.digest : formatPlatform(platform);
}

/** The store, with one document more than it holds. */
function withRoot(store: ContentReader, root: Descriptor, bytes: Uint8Array): ContentReader {
  const content: Content = memoryContent(bytes);
  return {
    has: async (descriptor, options) =>
      descriptor.digest === root.digest || store.has(descriptor, options),
    open: async (descriptor, options) =>
      descriptor.digest === root.digest ? content : store.open(descriptor, options),
  };
}
