import type { FinchError } from '../errors.ts';
import { quote } from '../text.ts';
import { type Descriptor, parseDescriptor } from './descriptor.ts';
import {
  invalidDocument,
  isJsonObject,
  type JsonObject,
  MAX_DOCUMENT_BYTES,
  parseJsonObject,
  refuseOtherCase,
} from './json.ts';
import { isDocumentType, isIndexType, mediaTypes } from './media-types.ts';

/**
 * The manifest of one image: its configuration and its layers, base first.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md
 */
export interface Manifest {
  readonly kind: 'manifest';
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly artifactType?: string;
  readonly annotations: Readonly<Record<string, unknown>>;
}

/**
 * An index of manifests, one for each platform, and of indexes.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md
 */
export interface Index {
  readonly kind: 'index';
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly artifactType?: string;
  readonly annotations: Readonly<Record<string, unknown>>;
}

/** Content that names other content. */
export type Document = Manifest | Index;

/** What decides what a document is and names. */
const KEYS: ReadonlySet<string> = new Set([
  ...['schemaVersion', 'mediaType', 'artifactType'],
  ...['config', 'layers', 'manifests', 'subject', 'fsLayers'],
]);

/** The most layers, members or annotations of one document: more than fit into most documents of 4 MiB. */
const MAX_ITEMS = 10_000;

/**
 * The manifest or index that `bytes` are. `mediaType` is what the descriptor or the server called
 * them; the document's own `mediaType`, where it has one, must agree. A document that could be read
 * as both kinds is refused (CVE-2021-41190).
 * @param what names the document in messages
 * @throws FinchError `DOCUMENT_INVALID`
 */
export function parseDocument(
  bytes: Uint8Array,
  { mediaType, what }: { mediaType?: string; what: string },
): Document {
  const invalid = (why: string) => invalidDocument(`${what} ${why}`);
  if (bytes.length > MAX_DOCUMENT_BYTES) throw invalid('is larger than 4 MiB');
  const json = parseJsonObject(bytes, what);
  refuseOtherCase(json, KEYS, what);
  if ('fsLayers' in json || json['schemaVersion'] === 1) throw schema1Error(what);
  if (json['schemaVersion'] !== 2) throw invalid('has no schemaVersion 2');
  if (typeof (json['mediaType'] ?? '') !== 'string') throw invalid('has no valid mediaType');
  const type = documentType(json, mediaType);
  if (type === undefined) throw invalid('is neither a manifest nor an index');
  if (typeof json['mediaType'] === 'string' && json['mediaType'] !== type) {
    throw invalid(`says it is ${quote(json['mediaType'])} but is called ${type}`);
  }
  if ('manifests' in json && ('layers' in json || 'config' in json)) {
    throw invalid('is both a manifest and an index');
  }
  const annotations = isJsonObject(json['annotations']) ? json['annotations'] : {};
  if (Object.keys(annotations).length > MAX_ITEMS) {
    throw invalid(`has more than ${MAX_ITEMS} annotations`);
  }
  const common = {
    mediaType: type,
    annotations,
    ...('subject' in json &&
      json['subject'] !== null && {
        subject: parseDescriptor(json['subject'], `the subject of ${what}`),
      }),
    ...(typeof json['artifactType'] === 'string' && { artifactType: json['artifactType'] }),
  };
  if (isIndexType(type)) {
    return { kind: 'index', ...common, manifests: list(json, 'manifests', 'member', what) };
  }
  return {
    kind: 'manifest',
    ...common,
    config: parseDescriptor(json['config'], `the config of ${what}`),
    layers: list(json, 'layers', 'layer', what),
  };
}

/** The error about a manifest of Docker's first form. */
export function schema1Error(what: string): FinchError {
  return invalidDocument(`${what} is a Docker schema 1 manifest, which is not supported`, {
    hint: 'pull and push the image again with a current tool to convert it',
  });
}

/** The media type of a document: what it says itself, else what it is called, else what it looks like. */
function documentType(json: JsonObject, called: string | undefined): string | undefined {
  if (called !== undefined && isDocumentType(called)) return called;
  const own = json['mediaType'];
  if (typeof own === 'string') return isDocumentType(own) ? own : undefined;
  if (Array.isArray(json['manifests'])) return mediaTypes.index;
  return Array.isArray(json['layers']) ? mediaTypes.manifest : undefined;
}

function list(json: JsonObject, key: string, noun: string, what: string): readonly Descriptor[] {
  const items = json[key];
  // A Go program writes an empty list as null.
  if (items === null) return [];
  if (!Array.isArray(items)) throw invalidDocument(`${what} has no ${key}`);
  if (items.length > MAX_ITEMS) throw invalidDocument(`${what} has more than ${MAX_ITEMS} ${key}`);
  return items.map((item, i) => parseDescriptor(item, `${noun} ${i + 1} of ${what}`));
}

/** Everything a document names directly, in its own order: a manifest's config first. */
export function childrenOf(document: Document): readonly Descriptor[] {
  return document.kind === 'index' ? document.manifests : [document.config, ...document.layers];
}

/**
 * For an attestation, the digest of the image manifest that it speaks about, as BuildKit writes it.
 * https://github.com/moby/buildkit/blob/v0.28.1/docs/attestations/attestation-storage.md
 */
export function attestationSubject(descriptor: Descriptor): string | undefined {
  const { annotations } = descriptor;
  if (annotations?.['vnd.docker.reference.type'] !== 'attestation-manifest') return undefined;
  return annotations['vnd.docker.reference.digest'];
}

/**
 * The bytes of an index without the members that `keep` refuses. Every other member of the JSON, known
 * or not, and the order stay; the same input gives the same bytes. When nothing is dropped, the result is `bytes` itself.
 */
export function trimIndex(
  bytes: Uint8Array,
  { keep, what }: { keep: (member: Descriptor) => boolean; what: string },
): Uint8Array {
  const json = parseJsonObject(bytes, what);
  const members = Array.isArray(json['manifests']) ? (json['manifests'] as unknown[]) : [];
  const kept = members.filter((member, i) =>
    keep(parseDescriptor(member, `member ${i + 1} of ${what}`)),
  );
  if (kept.length === members.length) return bytes;
  return new TextEncoder().encode(JSON.stringify({ ...json, manifests: kept }));
}
