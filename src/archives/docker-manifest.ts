import type { AbortOptions, ContentReader } from '../content.ts';
import { findReadableImages, type PlatformImage } from '../copy/platforms.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { isNonDistributable } from '../oci/media-types.ts';
import { matchesPlatform, type Platform } from '../oci/platform.ts';
import { familiarReference, type Reference } from '../oci/reference.ts';
import { blobPath } from './layout-reader.ts';

/** An image that goes into an archive. */
export interface ImageToSave {
  /** Its name, with a tag or a digest. */
  readonly reference: Reference;
  /** The manifest or index. */
  readonly root: Descriptor;
  /** Reads the root and everything below it. */
  readonly from: ContentReader;
}

/** An image as `manifest.json` of a docker-archive lists it. */
interface DockerEntry {
  readonly Config: string;
  readonly RepoTags: readonly string[] | null;
  readonly Layers: readonly string[];
}

/**
 * What `manifest.json` says of images whose content lies in an OCI layout beside it. Each has one platform there:
 * `platform` where it is, else the first. One that docker could not load is left out: an artifact, or an image with
 * layers that may not be given away.
 * https://github.com/moby/docker-image-spec/blob/v1.3.1/spec.md#combined-image-json--filesystem-changeset-format
 */
export async function dockerManifest(
  images: readonly ImageToSave[],
  { platform, signal }: AbortOptions & { readonly platform: Platform },
): Promise<readonly DockerEntry[]> {
  const entries = new Map<string, { readonly image: PlatformImage; readonly tags: string[] }>();
  for (const { reference, root, from } of images) {
    const loadable = (await findReadableImages(from, root, { signal })).filter(isLoadable);
    const image = loadable.find((one) => matchesPlatform(platform, one.platform)) ?? loadable[0];
    if (image === undefined) continue;
    const { digest } = image.descriptor;
    const entry = entries.get(digest) ?? { image, tags: [] };
    if (reference.tag !== undefined) entry.tags.push(familiarReference(reference));
    entries.set(digest, entry);
  }
  return [...entries.values()].map(({ image: { manifest }, tags }) => ({
    Config: blobPath(manifest.config),
    RepoTags: tags.length > 0 ? tags : null,
    Layers: manifest.layers.map(blobPath),
  }));
}

/** Whether it has all its layers here, as many as its configuration says. */
function isLoadable({ manifest: { layers }, config }: PlatformImage): boolean {
  const isWhole = layers.every(({ mediaType }) => !isNonDistributable(mediaType));
  return isWhole && layers.length === config.diffIds.length;
}
