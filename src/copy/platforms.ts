import type { AbortOptions, ContentReader } from '../content.ts';
import { systemCode } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { attestationSubject, type Manifest } from '../oci/document.ts';
import type { ImageConfig } from '../oci/image-config.ts';
import { isImageConfigType, isManifestType } from '../oci/media-types.ts';
import { nextLevel } from '../oci/nesting.ts';
import { normalizePlatform, type Platform } from '../oci/platform.ts';
import { isUnreadable, readDocument, readImageConfig } from './read-document.ts';

/** The image of one platform that is here, whole. */
export interface PlatformImage {
  /** The descriptor as the index has it, or the root itself. */
  readonly descriptor: Descriptor;
  readonly manifest: Manifest;
  readonly config: ImageConfig;
  readonly platform: Platform;
}

/**
 * The image that a manifest's descriptor names, with the platform that its configuration says.
 * @returns undefined when it is not here, or is an artifact and no runnable image
 */
export async function readPlatformImage(
  from: ContentReader,
  descriptor: Descriptor,
  options: AbortOptions = {},
): Promise<PlatformImage | undefined> {
  if (!isManifestType(descriptor.mediaType) || attestationSubject(descriptor) !== undefined) {
    return undefined;
  }
  if (!(await from.has(descriptor, options))) return undefined;
  const { document: manifest } = await readDocument(from, descriptor, options);
  if (manifest.kind !== 'manifest' || !isImageConfigType(manifest.config.mediaType)) {
    return undefined;
  }
  const config = await readImageConfig(from, manifest.config, options);
  if (config.platform.os === 'unknown') return undefined;
  // An index may name a version that the configuration leaves open.
  const osVersion = config.platform.osVersion ?? descriptor.platform?.osVersion;
  const platform = { ...config.platform, ...(osVersion !== undefined && { osVersion }) };
  return { descriptor, manifest, config, platform: normalizePlatform(platform) };
}

/**
 * The images below `root` that are here and can be read, in the order of the index, each once. Nested
 * indexes are opened, up to 32 levels. What is damaged, or is taken away while it is looked at, is
 * passed over.
 */
export async function findReadableImages(
  from: ContentReader,
  root: Descriptor,
  options: AbortOptions = {},
): Promise<readonly PlatformImage[]> {
  const seen = new Set<Digest>();
  const found: PlatformImage[] = [];
  const visit = async (descriptor: Descriptor, level: number): Promise<void> => {
    if (seen.has(descriptor.digest)) return;
    seen.add(descriptor.digest);
    if (isManifestType(descriptor.mediaType)) {
      const image = await ifReadable(() => readPlatformImage(from, descriptor, options));
      if (image !== undefined) found.push(image);
      return;
    }
    const below = await ifReadable(async () => ({
      level: nextLevel(level, descriptor),
      index: (await from.has(descriptor, options))
        ? await readDocument(from, descriptor, options)
        : undefined,
    }));
    if (below?.index?.document.kind !== 'index') return;
    for (const member of below.index.document.manifests) await visit(member, below.level);
  };
  await visit(root, 0);
  return found;
}

/** What `read` gives, and undefined when the content is gone, or is not what its digest names. */
async function ifReadable<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    const isGone = [error, error instanceof Error ? error.cause : undefined].some(
      (one) => systemCode(one) === 'ENOENT',
    );
    if (isUnreadable(error) || isGone) return undefined;
    throw error;
  }
}
