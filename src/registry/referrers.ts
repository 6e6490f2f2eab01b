import type { AbortOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import { discardBody, readWhole } from '../http/body.ts';
import { ASK_WHO_RUNS_IT } from '../http/failure.ts';
import { pause } from '../http/retry.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { type Digest, digestParts } from '../oci/digest.ts';
import { type Document, parseDocument } from '../oci/document.ts';
import { type JsonObject, MAX_DOCUMENT_BYTES, parseJsonObject } from '../oci/json.ts';
import { isIndexType, mediaTypes } from '../oci/media-types.ts';
import { call, isGood, type RepositoryApi, refusalOf, repositoryUrl, STORED } from './api.ts';
import { refusalError } from './errors.ts';

/** Statuses that mean that somebody else has changed the list meanwhile. */
const CHANGED: ReadonlySet<number> = new Set([409, 412]);

/** How often a list is read and written anew that others change. */
const ATTEMPTS = 5;

/** Before another attempt, in milliseconds. */
const LONGEST_WAIT_MS = 200;

/** The last change of a list of each repository: this process makes one at a time. */
const changes = new WeakMap<RepositoryApi, Promise<void>>();

/** A document that may refer to another. */
interface Referrer {
  readonly document: Descriptor;
  readonly bytes: Uint8Array;
}

/**
 * Puts a document that has a subject on the list of what refers to that, which a registry without the referrers
 * API has under a tag. What is on the list stays; what others add meanwhile too, where the registry compares
 * (`If-Match`). A document without a subject is on no list.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema
 * @throws FinchError `REGISTRY` when the tag names something else, or the list cannot be changed
 */
export async function listReferrer(
  api: RepositoryApi,
  { document, bytes }: Referrer,
  { signal }: AbortOptions = {},
): Promise<void> {
  // Few have one, and an index may be long.
  if (!Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes('"subject"')) return;
  const { digest: what, mediaType } = document;
  const parsed = parseDocument(bytes, { what, mediaType });
  const { subject } = parsed;
  if (subject === undefined) return;
  const entry = entryOf(document, parsed);
  const before = changes.get(api) ?? Promise.resolve();
  const change = before.catch(() => {}).then(() => add(api, { subject, entry }, { signal }));
  changes.set(api, change);
  await change;
}

/** The tag that a list is under. */
export function referrersTag(subject: Digest): string {
  const { algorithm, hex } = digestParts(subject);
  return `${algorithm.slice(0, 32)}-${hex.slice(0, 64)}`;
}

function entryOf({ mediaType, digest, size }: Descriptor, document: Document): JsonObject {
  const { annotations } = document;
  const own = document.kind === 'manifest' ? document.config.mediaType : undefined;
  const artifactType = document.artifactType ?? own;
  const entry = { mediaType, digest, size, ...(artifactType !== undefined && { artifactType }) };
  return Object.keys(annotations).length === 0 ? entry : { ...entry, annotations };
}

async function add(
  api: RepositoryApi,
  { subject, entry }: { readonly subject: Descriptor; readonly entry: JsonObject },
  { signal }: AbortOptions,
): Promise<void> {
  const url = repositoryUrl(api, `manifests/${referrersTag(subject.digest)}`);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const { list, members, etag } = await readList(api, { url, subject }, { signal });
    if (members.some(({ digest }) => digest === entry['digest'])) return;
    const manifests = [...(Array.isArray(list['manifests']) ? list['manifests'] : []), entry];
    const bytes = new TextEncoder().encode(JSON.stringify({ ...list, manifests }));
    if (bytes.length > MAX_DOCUMENT_BYTES) throw unusable(api, subject, 'is full');
    const headers = {
      'content-type': mediaTypes.index,
      ...(etag !== null && { 'if-match': etag }),
    };
    const body = () => ({ bytes });
    const request = { method: 'PUT', url, headers, body, idempotent: true, signal } as const;
    const response = await api.send(request);
    if (isGood(response, STORED)) return discardBody(response);
    const refusal = await refusalOf(api, request, response);
    if (!CHANGED.has(refusal.status)) throw refusalError(refusal, api);
    await pause(Math.random() * LONGEST_WAIT_MS, { signal });
  }
  throw unusable(api, subject, 'is changed by others all the time');
}

/** The list as it is, with all that is in it, and what names its state. */
async function readList(
  api: RepositoryApi,
  { url, subject }: { readonly url: URL; readonly subject: Descriptor },
  { signal }: AbortOptions,
): Promise<{ list: JsonObject; members: readonly Descriptor[]; etag: string | null }> {
  const headers = { accept: mediaTypes.index };
  const response = await call(api, { method: 'GET', url, headers, signal }, { good: [200, 404] });
  if (response.status === 404) {
    await discardBody(response);
    const list = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [] };
    return { list, members: [], etag: null };
  }
  const bytes = await readWhole(response, { limit: MAX_DOCUMENT_BYTES, signal });
  const what = `the list of what refers to ${subject.digest}`;
  const document = parseDocument(bytes, { what });
  if (document.kind !== 'index' || !isIndexType(document.mediaType)) {
    throw unusable(api, subject, 'is no index');
  }
  const list = parseJsonObject(bytes, what);
  return { list, members: document.manifests, etag: response.headers.get('etag') };
}

function unusable({ registry, name }: RepositoryApi, { digest }: Descriptor, why: string) {
  const tag = referrersTag(digest);
  const message = `the list of what refers to ${digest}, ${registry}/${name}:${tag}, ${why}`;
  return new FinchError('REGISTRY', message, { hint: ASK_WHO_RUNS_IT });
}
