import type { AbortOptions, ByteStream, Content } from '../content.ts';
import type { CopyEvent } from '../copy/events.ts';
import { layerMismatch, recordLayer } from '../copy/layer-check.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { type Digest, digestParts } from '../oci/digest.ts';
import { mediaTypes } from '../oci/media-types.ts';
import type { ImageStore } from '../store/image-store.ts';
import type { CompressPool } from '../streams/compress-pool.ts';
import {
  type CompressedForm,
  type Compressor,
  LEVELS,
  USUAL_COMPRESSOR,
} from '../streams/compressor.ts';
import { type Compression, decompress, sniffCompression } from '../streams/decompress.ts';
import { type Digested, digestStream } from '../streams/digest-stream.ts';
import type { Expansion } from '../streams/expansion.ts';
import { parallelCompress } from '../streams/parallel-compress.ts';
import { peek } from '../streams/peek.ts';

/** What a layer is called by what its bytes are. */
const MEDIA_TYPES = { gzip: mediaTypes.layerGzip, zstd: mediaTypes.layerZstd } as const;

/** A layer in an archive, in whatever form. */
export interface ArchivedLayer {
  open(): Promise<Content>;
  /** Digest of the uncompressed tar. */
  readonly diffId: Digest;
  /** Names the layer in messages. */
  readonly what: string;
}

/** How the user wants layers to be compressed. */
export interface WantedCompression {
  readonly form: CompressedForm;
  /** Default: the usual one of the form, or whatever a layer has that is in that form already. */
  readonly level?: number | undefined;
}

/** Where {@link storeLayer} puts things, and in which form. */
export interface StoreLayerOptions extends AbortOptions {
  readonly store: ImageStore;
  /** Threads for what is to be compressed. */
  readonly pool: CompressPool;
  /** Default: what is compressed stays as it is, all else becomes gzip. */
  readonly compression?: WantedCompression | undefined;
  /** What compressed layers may become together. */
  readonly expansion: Expansion;
  readonly onEvent: (event: CopyEvent) => void;
}

/**
 * Stores a layer compressed: as it is when it is in a form that will do, else compressed anew. A layer
 * that the store has in such a form is not read at all.
 * @throws FinchError `CONTENT_MISMATCH` when it does not have its diff id
 */
export async function storeLayer(
  layer: ArchivedLayer,
  options: StoreLayerOptions,
): Promise<Descriptor> {
  const { store, expansion, onEvent, signal } = options;
  const { diffId, what } = layer;
  const known = await knownLayer(diffId, options);
  if (known !== undefined) {
    onEvent({ kind: 'found', descriptor: known });
    onEvent({ kind: 'exists', descriptor: known });
    return known;
  }
  const content = await layer.open();
  const { head, whole } = await peek(content.stream({ signal }), 4);
  const found = sniffCompression(head);
  const shown = { mediaType: mediaTypes.layer, digest: diffId, size: content.size };
  onEvent({ kind: 'found', descriptor: shown });
  onEvent({ kind: 'started', descriptor: shown });
  const source = counted(whole, (bytes) => onEvent({ kind: 'progress', descriptor: shown, bytes }));
  let stored: Descriptor;
  if (willDo(found, options)) {
    const mediaType = MEDIA_TYPES[found];
    stored = plain(await store.ingest(source, { mediaType, signal }));
    await recordLayer(stored, { store, diffId, expansion, what, signal });
  } else {
    const code = 'CONTENT_MISMATCH';
    stored = await compress(decompress(source, { what, code, expansion, signal }), layer, options);
  }
  onEvent({ kind: 'done', descriptor: shown });
  return stored;
}

async function compress(
  source: ByteStream,
  { diffId, what }: ArchivedLayer,
  { store, pool, compression, signal }: StoreLayerOptions,
): Promise<Descriptor> {
  let diffSize = 0;
  // Throws before the end of the stream, so that a wrong layer never becomes visible.
  const onEnd = ({ digest, size }: Digested) => {
    if (digest !== diffId) throw layerMismatch(what, diffId, digest);
    diffSize = size;
  };
  const checked = digestStream(source, { algorithm: digestParts(diffId).algorithm, onEnd });
  const compressor = compressorFor(compression);
  const compressed = parallelCompress(checked, { pool, compressor, signal });
  const mediaType = MEDIA_TYPES[compressor.form];
  const stored = plain(await store.ingest(compressed, { mediaType, signal }));
  store.recordLayer({ ...stored, diffId, diffSize });
  return stored;
}

function compressorFor(wanted: WantedCompression | undefined): Compressor {
  if (wanted === undefined) return USUAL_COMPRESSOR;
  return { form: wanted.form, level: wanted.level ?? LEVELS[wanted.form].usual };
}

/** Whether a layer in this form is stored as it is. Nobody can tell the level that a compressed one has. */
function willDo(
  found: Compression,
  { compression }: Pick<StoreLayerOptions, 'compression'>,
): found is CompressedForm {
  if (found === 'none') return false;
  return (
    compression === undefined || (compression.level === undefined && compression.form === found)
  );
}

async function knownLayer(
  diffId: Digest,
  { store, compression, signal }: StoreLayerOptions,
): Promise<Descriptor | undefined> {
  for (const record of store.layersByDiffId(diffId)) {
    if (!(await store.has(plain(record), { signal }))) continue;
    // What a manifest called it when it came need not be what it is.
    const content = await store.open(plain(record), { signal });
    const { head, whole } = await peek(content.stream({ signal }), 4);
    await whole.return();
    const found = sniffCompression(head);
    if (willDo(found, { compression })) return { ...plain(record), mediaType: MEDIA_TYPES[found] };
  }
  return undefined;
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
