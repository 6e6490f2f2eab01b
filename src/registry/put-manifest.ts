import type { AbortOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import { discardBody } from '../http/body.ts';
import { ASK_WHO_RUNS_IT } from '../http/failure.ts';
import type { HttpRequest } from '../http/transport.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { type Digest, digestOf, digestParts, isDigest } from '../oci/digest.ts';
import { childrenOf, parseDocument } from '../oci/document.ts';
import { isDocumentType, isNonDistributable } from '../oci/media-types.ts';
import { call, isGood, type RepositoryApi, refusalOf, repositoryUrl } from './api.ts';
import { hasBlob } from './blobs.ts';
import { type Refusal, refusalError } from './errors.ts';
import { resolveManifest } from './manifests.ts';
import { listReferrer } from './referrers.ts';

/** Statuses of a registry that has stored a manifest. */
const KEPT: readonly number[] = [200, 201, 202, 204];

/** How registries answer to a document with several tags that know no such request, or do not want all of them. */
const NOT_TOGETHER: ReadonlySet<number> = new Set([400, 404, 405, 414, 501]);

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
  { signal }: AbortOptions = {},
): Promise<void> {
  const { document, bytes } = put;
  const { digest } = document;
  const tags = [...new Set(put.tags)];
  if (digestOf(bytes, digestParts(digest).algorithm) !== digest) {
    throw new FinchError('CONTENT_MISMATCH', `the bytes of ${digest} do not have that digest`);
  }
  const answers: Headers[] = [];
  const together =
    tags.length > 1 ? await putWithTags(api, { ...put, tags }, { signal }) : undefined;
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
  { signal }: AbortOptions,
): Promise<Headers | undefined> {
  const request = putRequest(api, { document, bytes, reference: document.digest }, { signal });
  for (const tag of tags) request.url.searchParams.append('tag', tag);
  const response = await api.send(request);
  if (!isGood(response, KEPT)) {
    const refusal = await refusalOf(api, request, response);
    if (NOT_TOGETHER.has(refusal.status)) return undefined;
    throw refusedDocument(refusal, api, bytes);
  }
  return accept(api, document, response);
}

async function putOne(
  api: RepositoryApi,
  { reference, document, bytes }: PutOne,
  { signal }: AbortOptions,
): Promise<Headers> {
  const { digest } = document;
  const request = putRequest(api, { reference, document, bytes }, { signal });
  const response = await api.send(request);
  if (isGood(response, KEPT)) return accept(api, document, response);
  const refusal = await refusalOf(api, request, response);
  if (await isTagged(api, { reference, digest, refusal }, { signal })) return new Headers();
  const mayPass = refusal.status === 400 && refusal.codes.includes('DIGEST_INVALID');
  if (!mayPass || !(await hasBlobsOf({ document, bytes }, api, { signal }))) {
    throw refusedDocument(refusal, api, bytes);
  }
  return accept(api, document, await call(api, request, { good: KEPT }));
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
