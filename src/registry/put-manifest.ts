import type { AbortOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import { discardBody } from '../http/body.ts';
import { ASK_WHO_RUNS_IT } from '../http/failure.ts';
import { Pauses } from '../http/pauses.ts';
import { isPassingStatus } from '../http/retry.ts';
import type { HttpRequest } from '../http/transport.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { type Digest, digestOf, digestParts, isDigest } from '../oci/digest.ts';
import { childrenOf, parseDocument } from '../oci/document.ts';
import { isDocumentType, isNonDistributable } from '../oci/media-types.ts';
import { call, isGood, type RepositoryApi, refusalOf, repositoryUrl, STORED } from './api.ts';
import { hasBlob } from './blobs.ts';
import { type Refusal, refusalError } from './errors.ts';
import { resolveManifest } from './manifests.ts';
import type { RegistryMemory } from './memory/registry-memory.ts';
import { listReferrer } from './referrers.ts';

/** How registries answer to a document with several tags that know no such request. */
const UNKNOWN: ReadonlySet<number> = new Set([404, 405, 501]);

/** Options of {@link putManifest}. */
export interface PutOptions extends AbortOptions {
  /** Knows which hosts take several tags together. Default: nothing is known. */
  readonly memory?: Pick<RegistryMemory, 'traits' | 'learn'>;
}

/** What {@link putManifest} stores. */
export interface PutDocument {
  readonly document: Descriptor;
  readonly bytes: Uint8Array;
  /** What names it from then on, beside its digest. Default: nothing. */
  readonly tags?: readonly string[];
}

/** One document on its way to where a digest or a tag is. */
interface PutOne extends PutDocument {
  readonly reference: string | Digest;
}

/**
 * Stores a document's exact bytes under its digest, or under tags: under several of them in one request, where the
 * registry knows that, else in one for each that is missing. One that refers to another (`subject`) is also put on
 * the list of those, where the registry does not keep one itself.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests
 * https://github.com/opencontainers/distribution-spec/blob/97274622c111/spec.md#pushing-manifests
 * @throws FinchError `CONTENT_MISMATCH` when the bytes are not those of the descriptor, or the registry
 * kept others
 */
export async function putManifest(
  api: RepositoryApi,
  put: PutDocument,
  { memory, signal }: PutOptions = {},
): Promise<void> {
  const { document, bytes } = put;
  const { digest } = document;
  const tags = [...new Set(put.tags)];
  if (digestOf(bytes, digestParts(digest).algorithm) !== digest) {
    throw new FinchError('CONTENT_MISMATCH', `the bytes of ${digest} do not have that digest`);
  }
  const answers: Headers[] = [];
  const isTried = tags.length > 1 && !memory?.traits(api.endpoint.host).noMultiTag;
  const together = isTried
    ? await putWithTags(api, { ...put, tags }, { memory, signal })
    : undefined;
  if (together !== undefined) answers.push(together);
  const given = parseTags(together?.get('oci-tag') ?? '');
  const missing = tags.length === 0 ? [digest] : tags.filter((tag) => !given.has(tag));
  for (const reference of missing) {
    answers.push(await putOne(api, { ...put, reference }, { signal }));
  }
  if (answers.some((headers) => headers.has('oci-subject'))) return;
  await listReferrer(api, { document, bytes }, { signal });
}

/** The tags in an `OCI-Tag` header, of however many were joined in it. */
export function parseTags(header: string): ReadonlySet<string> {
  return new Set(header.split(',').map((tag) => tag.trim()));
}

/** The answer's headers; undefined when the tags are better given one by one. */
async function putWithTags(
  api: RepositoryApi,
  { document, bytes, tags = [] }: PutDocument,
  { memory, signal }: AbortOptions & { readonly memory: PutOptions['memory'] },
): Promise<Headers | undefined> {
  const request = putRequest(api, { document, bytes, reference: document.digest }, { signal });
  for (const tag of tags) request.url.searchParams.append('tag', tag);
  const response = await api.send(request);
  const isTaken = isGood(response, STORED);
  const isUnknown = isTaken ? !response.headers.has('oci-tag') : UNKNOWN.has(response.status);
  if (isTaken || isUnknown) memory?.learn(api.endpoint.host, { noMultiTag: isUnknown });
  if (isTaken) return accept(api, document, response);
  const refusal = await refusalOf(api, request, response);
  // What is wrong with one of the tags, if anything is, shows when they are given one by one.
  if (refusal.status !== 413 && !isPassingStatus(refusal.status)) return undefined;
  if (await isStored(api, { references: tags, document, refusal }, { signal }))
    return new Headers({ 'oci-tag': tags.join() });
  throw refusedDocument(refusal, api, bytes);
}

async function putOne(
  api: RepositoryApi,
  { reference, document, bytes }: PutOne,
  { signal }: AbortOptions,
): Promise<Headers> {
  const { digest } = document;
  const request = putRequest(api, { reference, document, bytes }, { signal });
  const response = await api.send(request);
  if (isGood(response, STORED)) return accept(api, document, response);
  const refusal = await refusalOf(api, request, response);
  const references = [reference];
  if (await isStored(api, { references, document, refusal }, { signal })) return new Headers();
  if (await isTagged(api, { reference, digest, refusal }, { signal })) return new Headers();
  const mayPass = refusal.status === 400 && refusal.codes.includes('DIGEST_INVALID');
  if (!mayPass || !(await hasBlobsOf({ document, bytes }, api, { signal }))) {
    throw refusedDocument(refusal, api, bytes);
  }
  return accept(api, document, await call(api, request, { good: STORED }));
}

function putRequest(
  api: RepositoryApi,
  { reference, document, bytes }: PutOne,
  { signal }: AbortOptions,
): HttpRequest {
  return {
    method: 'PUT',
    url: repositoryUrl(api, `manifests/${reference}`),
    headers: { 'content-type': document.mediaType },
    body: () => ({ bytes }),
    idempotent: true,
    signal,
  };
}

/** The headers of a good answer. */
async function accept(
  { registry }: RepositoryApi,
  { digest }: Descriptor,
  response: Response,
): Promise<Headers> {
  await discardBody(response);
  const kept = response.headers.get('docker-content-digest');
  if (kept !== null && isDigest(kept) && isSameAlgorithm(kept, digest) && kept !== digest) {
    throw new FinchError('CONTENT_MISMATCH', `registry ${registry} kept ${kept} for ${digest}`, {
      hint: ASK_WHO_RUNS_IT,
    });
  }
  return response.headers;
}

function refusedDocument(refusal: Refusal, api: RepositoryApi, bytes: Uint8Array): FinchError {
  if (refusal.status !== 413) return refusalError(refusal, api);
  const size = `${(bytes.length / 1024 / 1024).toFixed(1)} MiB`;
  const hint = `a manifest of ${size} is too large for ${api.registry} or a proxy before it; push fewer platforms, or ask who runs it`;
  return refusalError(refusal, api, { hint });
}

/**
 * Whether a document is there although the registry, or a proxy before it, says that something broke: that may be
 * after it was stored. Asked once, and without a pause.
 */
async function isStored(
  api: RepositoryApi,
  {
    references,
    document,
    refusal,
  }: {
    readonly references: readonly string[];
    readonly document: Descriptor;
    readonly refusal: Refusal;
  },
  { signal }: AbortOptions,
): Promise<boolean> {
  if (refusal.status < 500) return false;
  const pauses = new Pauses(0);
  const once = { ...api, send: (request: HttpRequest) => api.send({ ...request, pauses }) };
  for (const reference of references) {
    const found = resolveManifest(once, reference, { signal, anyType: true });
    const current = await found.catch(() => undefined);
    if (current?.digest !== document.digest) return false;
  }
  return true;
}

/**
 * Whether a document was refused because it has the tag already: Amazon ECR lets no tag of a repository
 * with immutable tags be given again, not even to what has it.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html
 * @throws FinchError `REGISTRY` when another document has the tag
 */
async function isTagged(
  api: RepositoryApi,
  {
    reference,
    digest,
    refusal,
  }: { readonly reference: string; readonly digest: Digest; readonly refusal: Refusal },
  options: AbortOptions,
): Promise<boolean> {
  if (!refusal.codes.includes('TAG_INVALID') || isDigest(reference)) return false;
  const current = await resolveManifest(api, reference, { ...options, anyType: true });
  if (current === undefined || current.digest === digest) return current !== undefined;
  const what = `${api.registry}/${api.name}:${reference}`;
  throw new FinchError('REGISTRY', `${what} is ${current.digest} for good, and not ${digest}`, {
    hint: 'tags of that repository cannot be moved; choose a new tag',
  });
}

/**
 * Whether every blob of a manifest is there. docker-registry refuses a manifest with DIGEST_INVALID
 * while another client's upload of one of its blobs is being put in place, and takes it right after.
 */
async function hasBlobsOf(
  { document, bytes }: Pick<PutDocument, 'document' | 'bytes'>,
  api: RepositoryApi,
  options: AbortOptions,
): Promise<boolean> {
  const { digest: what, mediaType } = document;
  for (const child of childrenOf(parseDocument(bytes, { what, mediaType }))) {
    if (isDocumentType(child.mediaType) || isNonDistributable(child.mediaType)) continue;
    if (!(await hasBlob(api, child, options))) return false;
  }
  return true;
}

function isSameAlgorithm(a: Digest, b: Digest): boolean {
  return digestParts(a).algorithm === digestParts(b).algorithm;
}
