import type { AbortOptions } from '../content.ts';
import { FinchError, hasCode } from '../errors.ts';
import { discardBody, readWhole } from '../http/body.ts';
import { ASK_WHO_RUNS_IT } from '../http/failure.ts';
import type { HttpRequest } from '../http/transport.ts';
import { type Descriptor, describe } from '../oci/descriptor.ts';
import { type Digest, digestOf, digestParts, isDigest } from '../oci/digest.ts';
import { childrenOf, parseDocument } from '../oci/document.ts';
import { MAX_DOCUMENT_BYTES } from '../oci/json.ts';
import { documentMediaTypes, isDocumentType, isNonDistributable } from '../oci/media-types.ts';
import { call, isGood, type RepositoryApi, refusalOf, repositoryUrl } from './api.ts';
import { hasBlob } from './blobs.ts';
import { refusalError } from './errors.ts';

/** What bytes are called that nobody gave a type. */
const UNKNOWN_TYPE = 'application/octet-stream';

/** Statuses of a registry that has stored a manifest. */
const KEPT: readonly number[] = [200, 201, 202, 204];

const ACCEPT = documentMediaTypes.join(', ');

/** A manifest or index as a registry gave it, with a digest that was computed from its bytes. */
export interface FetchedDocument {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/**
 * What a tag or a digest names, without its bytes. One HEAD where the registry says all that is to
 * say, else a GET behind it. With `anyType` what is named need not be a document that finch reads: its
 * media type is then the one that the registry gives.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
 * @returns undefined when there is no such manifest
 */
export async function resolveManifest(
  api: RepositoryApi,
  reference: string | Digest,
  { signal, anyType = false }: AbortOptions & { anyType?: boolean | undefined } = {},
): Promise<Descriptor | undefined> {
  const url = repositoryUrl(api, `manifests/${reference}`);
  const request = { method: 'HEAD', url, headers: { accept: ACCEPT }, signal } as const;
  const response = await call(api, request, { good: [200, 404, 405, 501] });
  if (response.status === 404) return undefined;
  const described = response.status === 200 ? describedBy(response, { anyType }) : undefined;
  if (described !== undefined && (!isDigest(reference) || described.digest === reference)) {
    return described;
  }
  try {
    const fetched = await fetchManifest(api, reference, { signal });
    return anyType ? describeFetched(fetched) : parseFetched(fetched).descriptor;
  } catch (error) {
    if (hasCode(error, 'REMOTE_NOT_FOUND')) return undefined;
    throw error;
  }
}

/** The descriptor of what came, also when it is no document that finch reads. */
function describeFetched(fetched: Fetched): Descriptor {
  try {
    return parseFetched(fetched).descriptor;
  } catch (error) {
    if (!hasCode(error, 'DOCUMENT_INVALID')) throw error;
    const { called, digest, bytes } = fetched;
    return describe(called ?? UNKNOWN_TYPE, digest, bytes);
  }
}

/**
 * A manifest or index by its tag or digest: at most 4 MiB, with the digest that was asked for.
 * @throws FinchError `REMOTE_NOT_FOUND`, `CONTENT_MISMATCH`, `DOCUMENT_INVALID`
 */
export async function getManifest(
  api: RepositoryApi,
  reference: string | Digest,
  { signal }: AbortOptions = {},
): Promise<FetchedDocument> {
  return parseFetched(await fetchManifest(api, reference, { signal }));
}

/** Bytes that have the digest they were asked for by, and what the registry calls them. */
interface Fetched {
  /** Names them in messages. */
  readonly what: string;
  readonly digest: Digest;
  readonly bytes: Uint8Array;
  readonly called: string | undefined;
}

function parseFetched({ what, digest, bytes, called }: Fetched): FetchedDocument {
  const isKnown = called !== undefined && isDocumentType(called);
  const { mediaType } = parseDocument(bytes, { what, ...(isKnown && { mediaType: called }) });
  return { descriptor: describe(mediaType, digest, bytes), bytes };
}

async function fetchManifest(
  api: RepositoryApi,
  reference: string | Digest,
  { signal }: AbortOptions,
): Promise<Fetched> {
  const what = `${api.registry}/${api.name}${isDigest(reference) ? '@' : ':'}${reference}`;
  const url = repositoryUrl(api, `manifests/${reference}`);
  const request = { method: 'GET', url, headers: { accept: ACCEPT }, signal } as const;
  const response = await call(api, request, { good: [200, 404] });
  if (response.status === 404) {
    await discardBody(response);
    throw new FinchError('REMOTE_NOT_FOUND', `${what} is not in the registry`, {
      hint: 'the image there may be incomplete; push it again, or check the name',
    });
  }
  const bytes = await readWhole(response, { limit: MAX_DOCUMENT_BYTES, signal });
  const { algorithm } = isDigest(reference) ? digestParts(reference) : { algorithm: undefined };
  const digest = digestOf(bytes, algorithm);
  if (isDigest(reference) && digest !== reference) {
    throw new FinchError(
      'CONTENT_MISMATCH',
      `registry ${api.registry} sent other bytes for ${what}`,
      { hint: ASK_WHO_RUNS_IT },
    );
  }
  return { what, digest, bytes, called: contentTypeOf(response) };
}

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

/** The descriptor in an answer's headers, when all of it is there. */
function describedBy(
  response: Response,
  { anyType }: { anyType: boolean },
): Descriptor | undefined {
  const { headers } = response;
  const digest = headers.get('docker-content-digest');
  const length = headers.get('content-length') ?? '';
  const mediaType = contentTypeOf(response);
  const size = /^\d{1,15}$/.test(length) ? Number(length) : 0;
  if (!isDigest(digest) || mediaType === undefined || size === 0) return undefined;
  if (!anyType && !isDocumentType(mediaType)) return undefined;
  return { mediaType, digest, size };
}

/** The media type of an answer without parameters. */
function contentTypeOf({ headers }: Response): string | undefined {
  return headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() || undefined;
}

function isSameAlgorithm(a: Digest, b: Digest): boolean {
  return digestParts(a).algorithm === digestParts(b).algorithm;
}
