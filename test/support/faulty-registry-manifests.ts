import type { Asked, Registry } from './faulty-registry-api.ts';
import { type Reply, refusal } from './faulty-registry-faults.ts';
import { hexDigest, type KeptRepository } from './faulty-registry-state.ts';

/** The most bytes of a manifest. */
const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;

/** A request for a manifest, for the tags, or for what refers to a manifest. */
export interface ToManifests {
  readonly name: string;
  readonly kind: string;
  readonly reference: string;
  readonly search: URLSearchParams;
  readonly asked: Asked;
}

/** Answers what is not about blobs. */
export async function answerManifest(registry: Registry, to: ToManifests): Promise<Reply> {
  const { name, kind, reference, asked } = to;
  const { state, profile } = registry;
  const repository = state.repository(name);
  if (kind === 'tags') {
    return { status: 200, body: JSON.stringify({ name, tags: [...repository.tags.keys()] }) };
  }
  if (kind === 'referrers') {
    return profile.referrers ? listReferrers(repository, reference) : refusal(404, 'UNSUPPORTED');
  }
  if (asked.seen.method === 'PUT') return keep(registry, to);
  const digest = repository.tags.get(reference) ?? reference;
  const kept = repository.manifests.get(digest);
  if (kept === undefined) return refusal(404, 'MANIFEST_UNKNOWN');
  const headers = {
    'content-type': kept.mediaType,
    etag: `"${digest}"`,
    ...(!profile.noDigestHeader && { 'docker-content-digest': digest }),
  };
  return { status: 200, headers, body: kept.bytes };
}

async function keep({ state, profile }: Registry, to: ToManifests): Promise<Reply> {
  const { name, reference, search, asked } = to;
  if (asked.length > MAX_MANIFEST_BYTES) return refusal(413, 'MANIFEST_INVALID', 'too large');
  const pieces: Uint8Array[] = [];
  for await (const piece of asked.body()) pieces.push(piece);
  const bytes = Buffer.concat(pieces);
  const repository = state.repository(name);
  const isDigest = reference.includes(':');
  const digest = isDigest ? hexDigest(bytes, reference) : hexDigest(bytes);
  if (isDigest && digest !== reference) return refusal(400, 'DIGEST_INVALID');
  const ifMatch = asked.seen.headers['if-match'];
  if (ifMatch !== undefined && ifMatch !== `"${repository.tags.get(reference)}"`) {
    return refusal(412, 'PRECONDITION_FAILED');
  }
  const document = parse(bytes);
  if (document === undefined) return refusal(400, 'MANIFEST_INVALID');
  if (profile.checksManifests && !isComplete(repository, document)) {
    return refusal(400, 'MANIFEST_BLOB_UNKNOWN');
  }
  repository.manifests.set(digest, { mediaType: asked.seen.headers['content-type'] ?? '', bytes });
  const tags = isDigest ? (profile.multiTag ? search.getAll('tag') : []) : [reference];
  for (const tag of tags) repository.tags.set(tag, digest);
  const subject = document.subject?.digest;
  return {
    status: 201,
    headers: {
      location: `/v2/${name}/manifests/${digest}`,
      ...(!profile.noDigestHeader && { 'docker-content-digest': digest }),
      ...(isDigest && tags.length > 0 && { 'oci-tag': tags }),
      ...(subject !== undefined && profile.referrers && { 'oci-subject': subject }),
    },
  };
}

/** What a manifest says that matters to a registry. */
interface Document {
  readonly config?: { readonly digest: string };
  readonly layers?: readonly { readonly digest: string; readonly mediaType?: string }[];
  readonly manifests?: readonly { readonly digest: string }[];
  readonly subject?: { readonly digest: string };
}

function parse(bytes: Uint8Array): Document | undefined {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as Document;
  } catch {
    return undefined;
  }
}

function isComplete({ blobs, manifests }: KeptRepository, document: Document): boolean {
  const { config, layers = [], manifests: members = [] } = document;
  const own = layers.filter(({ mediaType }) => !/nondistributable|foreign/.test(mediaType ?? ''));
  const isHere = [...(config ? [config] : []), ...own].every(({ digest }) => blobs.has(digest));
  return isHere && members.every(({ digest }) => manifests.has(digest));
}

function listReferrers({ manifests }: KeptRepository, digest: string): Reply {
  const found = [...manifests].flatMap(([own, { mediaType, bytes }]) =>
    parse(bytes)?.subject?.digest === digest
      ? [{ mediaType, digest: own, size: bytes.length }]
      : [],
  );
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  return {
    status: 200,
    headers: { 'content-type': mediaType },
    body: JSON.stringify({ schemaVersion: 2, mediaType, manifests: found }),
  };
}
