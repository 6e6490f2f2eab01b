import type { AbortOptions, ByteStream, Content } from '../content.ts';
import type { CopyEvent } from '../copy/events.ts';
import { layerMismatch, recordLayer } from '../copy/layer-check.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { type Digest, digestParts } from '../oci/digest.ts';
import { mediaTypes } from '../oci/media-types.ts';
import type { ImageStore } from '../store/image-store.ts';
import { sniffCompression } from '../streams/decompress.ts';
import { type Digested, digestStream } from '../streams/digest-stream.ts';
import type { Expansion } from '../streams/expansion.ts';
import { parallelGzip } from '../streams/parallel-gzip.ts';
import { peek } from '../streams/peek.ts';

/** What a layer is called by what its bytes are. */
const COMPRESSED_TYPES = { gzip: mediaTypes.layerGzip, zstd: mediaTypes.layerZstd } as const;

/** A layer in an archive, in whatever form. */
export interface ArchivedLayer {
  open(): Promise<Content>;
  /** Digest of the uncompressed tar. */
  readonly diffId: Digest;
  /** Names the layer in messages. */
  readonly what: string;
}

/** Where {@link storeLayer} puts things. */
export interface StoreLayerOptions extends AbortOptions {
  readonly store: ImageStore;
  /** What compressed layers may become together. */
  readonly expansion: Expansion;
  readonly onEvent: (event: CopyEvent) => void;
}

/**
 * Stores a layer compressed: as it is when it is compressed already, else as gzip. A layer that the
 * store has in any compressed form is not read at all.
 * @throws FinchError `CONTENT_MISMATCH` when it does not have its diff id
 */
export async function storeLayer(
  layer: ArchivedLayer,
  { store, expansion, onEvent, signal }: StoreLayerOptions,
): Promise<Descriptor> {
  const { diffId, what } = layer;
  const known = await knownLayer(store, diffId, signal);
  if (known !== undefined) {
    onEvent({ kind: 'found', descriptor: known });
    onEvent({ kind: 'exists', descriptor: known });
    return known;
  }
  const content = await layer.open();
  const { head, whole } = await peek(content.stream({ signal }), 4);
  const compression = sniffCompression(head);
  const shown = { mediaType: mediaTypes.layer, digest: diffId, size: content.size };
  onEvent({ kind: 'found', descriptor: shown });
  onEvent({ kind: 'started', descriptor: shown });
  const source = counted(whole, (bytes) => onEvent({ kind: 'progress', descriptor: shown, bytes }));
  let stored: Descriptor;
  if (compression === 'none') {
    stored = await compress(source, { layer, store, signal });
  } else {
    const mediaType = COMPRESSED_TYPES[compression];
    stored = plain(await store.ingest(source, { mediaType, signal }));
    await recordLayer(stored, { store, diffId, expansion, what, signal });
  }
  onEvent({ kind: 'done', descriptor: shown });
  return stored;
}

interface CompressOptions extends AbortOptions {
  readonly layer: ArchivedLayer;
  readonly store: ImageStore;
}

async function compress(
  source: ByteStream,
  { layer: { diffId, what }, store, signal }: CompressOptions,
): Promise<Descriptor> {
  let diffSize = 0;
  // Throws before the end of the stream, so that a wrong layer never becomes visible.
  const onEnd = ({ digest, size }: Digested) => {
    if (digest !== diffId) throw layerMismatch(what, diffId, digest);
    diffSize = size;
  };
  const checked = digestStream(source, { algorithm: digestParts(diffId).algorithm, onEnd });
  const zipped = parallelGzip(checked, { signal });
  const mediaType = mediaTypes.layerGzip;
  const stored = plain(await store.ingest(zipped, { mediaType, signal }));
  store.recordLayer({ ...stored, diffId, diffSize });
  return stored;
}

async function knownLayer(
  store: ImageStore,
  diffId: Digest,
  signal: AbortSignal | undefined,
): Promise<Descriptor | undefined> {
  const record = store.layerByDiffId(diffId);
  if (record === undefined || !(await store.has(plain(record), { signal }))) return undefined;
  // What a manifest called it when it came need not be what it is.
  const content = await store.open(plain(record), { signal });
  const { head, whole } = await peek(content.stream({ signal }), 4);
  await whole.return();
  const compression = sniffCompression(head);
  if (compression === 'none') return undefined;
  return { ...plain(record), mediaType: COMPRESSED_TYPES[compression] };
}

function plain({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}

async function* counted(source: ByteStream, onBytes: (count: number) => void): ByteStream {
  for await (const piece of source) {
    onBytes(piece.length);
    yield piece;
  }
}
