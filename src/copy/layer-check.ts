import type { AbortOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { type Digest, digestParts } from '../oci/digest.ts';
import { invalidDocument } from '../oci/json.ts';
import { isDocumentType, isImageConfigType, isNonDistributable } from '../oci/media-types.ts';
import { nextLevel } from '../oci/nesting.ts';
import { matchesPlatform, type PlatformSelector } from '../oci/platform.ts';
import type { ImageStore } from '../store/image-store.ts';
import { decompress } from '../streams/decompress.ts';
import { digestAll } from '../streams/digest-stream.ts';
import { Expansion } from '../streams/expansion.ts';
import { readDocument, readImageConfig } from './read-document.ts';

/** Whether a layer is a tar, plain or compressed with gzip or zstd, in every spelling of OCI and Docker. */
export function isTarLayer(mediaType: string): boolean {
  return /\.tar(?:[+.](?:gzip|zstd))?$/.test(mediaType);
}

/** Options of {@link recordLayers}. */
export interface RecordLayersOptions extends AbortOptions {
  readonly store: ImageStore;
  /** Images of other platforms are left alone. Default: none is. */
  readonly platform?: PlatformSelector | undefined;
  /** What all the layers together may become, shared with other calls. Default: one of its own. */
  readonly expansion?: Expansion | undefined;
}

/**
 * Checks that every layer of an image in the store is, uncompressed, the one that its configuration
 * names, and remembers the uncompressed digest and size. Layers that are known are not read again.
 * Of an index, does so for every image that is here. What is no image with tar layers is left alone.
 * @throws FinchError `CONTENT_MISMATCH` with the layer that is another; `DOCUMENT_INVALID`
 */
export function recordLayers(root: Descriptor, options: RecordLayersOptions): Promise<void> {
  const { expansion = new Expansion() } = options;
  return recordBelow(root, { ...options, expansion, seen: new Set(), level: 0 });
}

interface RecordBelowOptions extends RecordLayersOptions {
  readonly expansion: Expansion;
  readonly seen: Set<Digest>;
  readonly level: number;
}

async function recordBelow(root: Descriptor, options: RecordBelowOptions): Promise<void> {
  const { store, platform, expansion, seen, signal } = options;
  if (seen.has(root.digest)) return;
  seen.add(root.digest);
  const { document } = await readDocument(store, root, { signal });
  if (document.kind === 'index') {
    const level = nextLevel(options.level, root);
    for (const member of document.manifests) {
      if (!isDocumentType(member.mediaType)) continue;
      if (platform && member.platform && !matchesPlatform(platform, member.platform)) continue;
      if (!(await store.has(member, { signal }))) continue;
      await recordBelow(member, { ...options, level });
    }
    return;
  }
  const { config, layers } = document;
  if (!isImageConfigType(config.mediaType)) return;
  if (!layers.every(({ mediaType }) => isTarLayer(mediaType))) return;
  const image = await readImageConfig(store, config, { signal });
  if (platform && !matchesPlatform(platform, image.platform)) return;
  if (image.diffIds.length !== layers.length) {
    throw invalidDocument(
      `manifest ${root.digest} has ${layers.length} layers, but its config names ${image.diffIds.length}`,
    );
  }
  for (const [i, diffId] of image.diffIds.entries()) {
    const layer = layers[i];
    if (layer === undefined) continue;
    if (isNonDistributable(layer.mediaType) && !(await store.has(layer, { signal }))) continue;
    await recordLayer(layer, {
      ...{ store, diffId, expansion, signal },
      what: `layer ${layer.digest}`,
    });
  }
}

/** Options of {@link recordLayer}. */
export interface RecordLayerOptions extends AbortOptions {
  readonly store: ImageStore;
  /** What the uncompressed layer must be. */
  readonly diffId: Digest;
  /** What this layer and those before it may become. */
  readonly expansion: Expansion;
  /** Names the layer in messages. */
  readonly what: string;
}

/**
 * Checks one stored layer and remembers what it is uncompressed.
 * @throws FinchError `CONTENT_MISMATCH`, also when it is a decompression bomb
 */
export async function recordLayer(
  layer: Descriptor,
  { store, diffId, expansion, what, signal }: RecordLayerOptions,
): Promise<void> {
  const known = store.layer(layer.digest);
  if (known !== undefined) {
    if (known.diffId !== diffId) throw layerMismatch(what, diffId, known.diffId);
    return;
  }
  const content = await store.open(layer, { signal });
  const plain = decompress(content.stream({ signal }), {
    ...{ what, expansion, signal },
    code: 'CONTENT_MISMATCH',
  });
  const { digest, size: diffSize } = await digestAll(plain, digestParts(diffId).algorithm);
  if (digest !== diffId) throw layerMismatch(what, diffId, digest);
  const { mediaType, size } = layer;
  store.recordLayer({ digest: layer.digest, size, mediaType, diffId, diffSize });
}

/** The error about a layer that is not the one that its image's configuration names. */
export function layerMismatch(what: string, expected: Digest, found: Digest): FinchError {
  return new FinchError(
    'CONTENT_MISMATCH',
    `${what} is not the one that the image names: uncompressed it is ${found}, not ${expected}`,
    { hint: 'the image is damaged; get it again from where it was made' },
  );
}
