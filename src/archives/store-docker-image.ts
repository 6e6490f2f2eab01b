import { type Content, memoryContent } from '../content.ts';
import { FinchError } from '../errors.ts';
import { type Descriptor, describe } from '../oci/descriptor.ts';
import { digestOf } from '../oci/digest.ts';
import { parseImageConfig } from '../oci/image-config.ts';
import { MAX_CONFIG_BYTES } from '../oci/json.ts';
import { mediaTypes } from '../oci/media-types.ts';
import { quote } from '../text.ts';
import type { DockerImage } from './docker-archive.ts';
import type { Archive } from './open-archive.ts';
import { readBounded } from './read-bounded.ts';
import type { StoreLayerOptions } from './store-layer.ts';
import { storeLayers } from './store-layers.ts';

/**
 * Stores an image of a docker-archive as an OCI image: its configuration byte for byte, its layers
 * compressed, and a new manifest, which has the same digest wherever the same archive is loaded.
 * @returns the manifest
 * @throws FinchError `ARCHIVE_INVALID`, `DOCUMENT_INVALID`, `CONTENT_MISMATCH` when a layer is not the
 *   one that the configuration names
 */
export async function storeDockerImage(
  {
    archive,
    image,
  }: { readonly archive: Pick<Archive, 'tree' | 'what'>; readonly image: DockerImage },
  options: StoreLayerOptions,
): Promise<Descriptor> {
  const { store, signal } = options;
  const { what } = archive;
  const file = async (path: string): Promise<Content> => {
    const content = await archive.tree.get(path, { signal });
    if (content !== undefined) return content;
    throw new FinchError('ARCHIVE_INVALID', `${what} does not hold ${quote(path)}`, {
      hint: 'make or download the archive again',
    });
  };
  const configName = `${quote(image.config)} in ${what}`;
  const configBytes = await readBounded(await file(image.config), {
    what: configName,
    limit: MAX_CONFIG_BYTES,
    signal,
  });
  checkName(image.config, configBytes, configName);
  const { diffIds } = parseImageConfig(configBytes, configName);
  if (diffIds.length !== image.layers.length) {
    throw new FinchError(
      'ARCHIVE_INVALID',
      `${what} lists ${image.layers.length} layers for ${quote(image.config)}, which names ${diffIds.length}`,
    );
  }
  const archived = diffIds.map((diffId, i) => {
    const path = image.layers[i] ?? '';
    return { open: () => file(path), diffId, what: `layer ${quote(path)} in ${what}` };
  });
  const layers = await storeLayers(archived, options);
  const config = describe(mediaTypes.config, digestOf(configBytes), configBytes);
  await store.write(config, memoryContent(configBytes), { signal });
  const manifestBytes = new TextEncoder().encode(
    // The order of the members decides the digest.
    JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers }),
  );
  const manifest = describe(mediaTypes.manifest, digestOf(manifestBytes), manifestBytes);
  await store.write(manifest, memoryContent(manifestBytes), { signal });
  return manifest;
}

/** Where the configuration's file is named by its digest, as all writers do, a damaged one shows. */
function checkName(path: string, bytes: Uint8Array, what: string): void {
  const hex = /(?:^|[/:])([0-9a-f]{64})(?:\.json)?$/.exec(path)?.[1];
  if (hex === undefined || digestOf(bytes) === `sha256:${hex}`) return;
  throw new FinchError('CONTENT_MISMATCH', `${what} does not have the digest in its name`, {
    hint: 'make or download the archive again',
  });
}
