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

/** Statuses of a registry that has stored a manifest. */
const KEPT: readonly number[] = [200, 201, 202, 204];

/**
 * Stores a document's exact bytes under its digest, or under a tag, which names it from then on.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests
 * @throws FinchError `CONTENT_MISMATCH` when the bytes are not those of the descriptor, or the registry
 * kept others
 */
export async function putManifest(
  api: RepositoryApi,
  { reference, document, bytes }: PutDocument,
  { signal }: AbortOptions = {},
): Promise<void> {
  const { digest, mediaType } = document;
  if (digestOf(bytes, digestParts(digest).algorithm) !== digest) {
    throw new FinchError('CONTENT_MISMATCH', `the bytes of ${digest} do not have that digest`);
  }
  const request: HttpRequest = {
    method: 'PUT',
    url: repositoryUrl(api, `manifests/${reference}`),
    headers: { 'content-type': mediaType },
    body: () => ({ bytes }),
    idempotent: true,
    signal,
  };
  let response = await api.send(request);
  if (!isGood(response, KEPT)) {
    const refusal = await refusalOf(api, request, response);
    if (await isTagged(api, { reference, digest, refusal }, { signal })) return;
    const mayPass = refusal.status === 400 && refusal.codes.includes('DIGEST_INVALID');
    if (!mayPass || !(await hasBlobsOf({ document, bytes }, api, { signal }))) {
      throw refusalError(refusal, api);
    }
    response = await call(api, request, { good: KEPT });
  }
  await discardBody(response);
  const kept = response.headers.get('docker-content-digest');
  if (kept !== null && isDigest(kept) && isSameAlgorithm(kept, digest) && kept !== digest) {
    throw new FinchError(
      'CONTENT_MISMATCH',
      `registry ${api.registry} kept ${kept} for ${digest}`,
      { hint: ASK_WHO_RUNS_IT },
    );
  }
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

/** What {@link putManifest} stores. */
export interface PutDocument {
  /** A tag, or the document's digest. */
  readonly reference: string | Digest;
  readonly document: Descriptor;
  readonly bytes: Uint8Array;
}

function isSameAlgorithm(a: Digest, b: Digest): boolean {
  return digestParts(a).algorithm === digestParts(b).algorithm;
}
