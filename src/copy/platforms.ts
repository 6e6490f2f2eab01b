import type { AbortOptions, ContentReader } from '../content.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { attestationSubject, type Manifest } from '../oci/document.ts';
import { isImageConfigType, isManifestType } from '../oci/media-types.ts';
import { normalizePlatform, type Platform } from '../oci/platform.ts';
import { readDocument, readImageConfig } from './read-document.ts';

/** The image of one platform that is here, whole. */
export interface PlatformImage {
  /** The descriptor as the index has it, or the root itself. */
  readonly descriptor: Descriptor;
  readonly manifest: Manifest;
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
  return { descriptor, manifest, platform: normalizePlatform(config.platform) };
}

/** The images below `root` that are here, in the order of the index. Nested indexes are opened. */
export async function readPlatformImages(
  from: ContentReader,
  root: Descriptor,
  options: AbortOptions = {},
): Promise<readonly PlatformImage[]> {
  if (isManifestType(root.mediaType)) {
    const image = await readPlatformImage(from, root, options);
    return image === undefined ? [] : [image];
  }
  if (!(await from.has(root, options))) return [];
  const { document } = await readDocument(from, root, options);
  if (document.kind !== 'index') return [];
  const found: PlatformImage[] = [];
  for (const member of document.manifests) {
    found.push(...(await readPlatformImages(from, member, options)));
  }
  return found;
}
