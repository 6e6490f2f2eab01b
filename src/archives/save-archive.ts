import type { AbortOptions, ByteStream, ContentReader, ContentStore } from '../content.ts';
import { copyGraph } from '../copy/copy-graph.ts';
import type { CopyEvent } from '../copy/events.ts';
import { FinchError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { digestParts } from '../oci/digest.ts';
import { mediaTypes } from '../oci/media-types.ts';
import type { Platform } from '../oci/platform.ts';
import { formatReference } from '../oci/reference.ts';
import { digestStream } from '../streams/digest-stream.ts';
import { type TarEntry, tarStream } from '../streams/tar-writer.ts';
import { dockerManifest, type ImageToSave } from './docker-manifest.ts';
import { blobPath } from './layout-reader.ts';
import { LAYOUT_VERSION, WRITTEN_WHOLE } from './oci-layout.ts';

/** Options of {@link archiveOf}. */
export interface SaveOptions extends AbortOptions {
  /** Which of an image's platforms programs get that take only one. */
  readonly platform: Platform;
  readonly onEvent: (event: CopyEvent) => void;
}

/** Content of the archive and where it is read. */
interface Part {
  readonly descriptor: Descriptor;
  readonly from: ContentReader;
}

/**
 * An archive of images as a tar: an OCI image layout with every platform, and a `manifest.json` by which `docker load`
 * and others that know no layout take one platform of each. The same images under the same names give the same bytes,
 * in whatever order. That all of it is here is known before the first byte; each digest is verified as it goes out.
 * @throws FinchError of the reader; the stream: `CONTENT_DAMAGED` when content is no longer what its digest names
 */
export async function archiveOf(
  images: readonly ImageToSave[],
  options: SaveOptions,
): Promise<ByteStream> {
  const byName = new Map(images.map((image) => [formatReference(image.reference), image]));
  const sorted = [...byName].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, image]) => image);
  const parts = new Map<string, Part>();
  for (const image of sorted) {
    for (const part of await partsOf(image, options)) parts.set(part.descriptor.digest, part);
  }
  for (const { descriptor } of parts.values()) options.onEvent({ kind: 'found', descriptor });
  const docker = await dockerManifest(sorted, options);
  const paths = [...parts].map(([, part]) => [blobPath(part.descriptor), part] as const);
  const folders = new Set(paths.map(([path]) => path.slice(0, path.lastIndexOf('/') + 1)));
  return tarStream([
    jsonFile('oci-layout', { imageLayoutVersion: LAYOUT_VERSION }),
    jsonFile('index.json', {
      schemaVersion: 2,
      mediaType: mediaTypes.index,
      manifests: sorted.map(namedEntry),
      annotations: WRITTEN_WHOLE,
    }),
    ...(docker.length > 0 ? [jsonFile('manifest.json', docker)] : []),
    ...['blobs/', ...[...folders].toSorted()].map(folder),
    ...paths
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([path, part]) => blob(path, part, options)),
  ]);
}

/** Everything that the image needs and that may be given away, found by the walk that copies. */
async function partsOf(
  { root, from }: ImageToSave,
  { signal }: SaveOptions,
): Promise<readonly Part[]> {
  const parts: Part[] = [];
  const list: ContentStore = {
    has: async () => false,
    open: (descriptor, options) => from.open(descriptor, options),
    async write(descriptor) {
      parts.push({ descriptor, from });
    },
  };
  await copyGraph(root, { from, to: list }, { signal });
  return parts;
}

/**
 * The entry of `index.json` by which others find the image: containerd's annotation has its name, the standard one the
 * tag.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/annotations.md#pre-defined-annotation-keys
 */
function namedEntry({ reference, root }: ImageToSave): object {
  const { mediaType, digest, size } = root;
  return {
    ...{ mediaType, digest, size },
    annotations: {
      'io.containerd.image.name': formatReference(reference),
      ...(reference.tag !== undefined && { 'org.opencontainers.image.ref.name': reference.tag }),
    },
  };
}

function jsonFile(name: string, value: object): TarEntry {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  return {
    name,
    size: bytes.length,
    async *stream() {
      yield bytes;
    },
  };
}

function folder(name: string): TarEntry {
  return { name, size: 0, async *stream() {} };
}

function blob(name: string, { descriptor, from }: Part, options: SaveOptions): TarEntry {
  const { digest, size } = descriptor;
  const { signal, onEvent } = options;
  return {
    name,
    size,
    async *stream() {
      signal?.throwIfAborted();
      onEvent({ kind: 'started', descriptor });
      const content = await from.open(descriptor, { signal });
      const verified = digestStream(content.stream({ signal }), {
        algorithm: digestParts(digest).algorithm,
        onEnd(found) {
          if (found.digest !== digest || found.size !== size) throw damaged(descriptor);
        },
      });
      for await (const piece of verified) {
        yield piece;
        onEvent({ kind: 'progress', descriptor, bytes: piece.length });
      }
      onEvent({ kind: 'done', descriptor });
    },
  };
}

function damaged({ digest }: Descriptor): FinchError {
  return new FinchError('CONTENT_DAMAGED', `${digest} is damaged in the local store`, {
    hint: 'run: finch store repair, then pull or load the image again',
  });
}
