import type { AbortOptions } from '../content.ts';
import { FinchError, hasCode } from '../errors.ts';
import { discardBody, readWhole } from '../http/body.ts';
import { type Descriptor, describe } from '../oci/descriptor.ts';
import { type Digest, digestOf, digestParts, isDigest } from '../oci/digest.ts';
import { parseDocument } from '../oci/document.ts';
import { MAX_DOCUMENT_BYTES } from '../oci/json.ts';
import { documentMediaTypes, isDocumentType } from '../oci/media-types.ts';
import { call, type RepositoryApi, repositoryUrl } from './api.ts';

const ACCEPT = documentMediaTypes.join(', ');

/** A manifest or index as a registry gave it, with a digest that was computed from its bytes. */
export interface FetchedDocument {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/**
 * What a tag or a digest names, without its bytes. One HEAD where the registry says all that is to
 * say, else a GET behind it.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
 * @returns undefined when there is no such manifest
 */
export async function resolveManifest(
  api: RepositoryApi,
  reference: string | Digest,
  { signal }: AbortOptions = {},
): Promise<Descriptor | undefined> {
  const url = repositoryUrl(api, `manifests/${reference}`);
  const request = { method: 'HEAD', url, headers: { accept: ACCEPT }, signal } as const;
  const response = await call(api, request, { good: [200, 404, 405, 501] });
  if (response.status === 404) return undefined;
  const described = response.status === 200 ? describedBy(response) : undefined;
  if (described !== undefined && (!isDigest(reference) || described.digest === reference)) {
    return described;
  }
  try {
    return (await getManifest(api, reference, { signal })).descriptor;
  } catch (error) {
    if (hasCode(error, 'REMOTE_NOT_FOUND')) return undefined;
    throw error;
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
  const what = `${api.registry}/${api.name}${isDigest(reference) ? '@' : ':'}${reference}`;
  const url = repositoryUrl(api, `manifests/${reference}`);
  const request = { method: 'GET', url, headers: { accept: ACCEPT }, signal } as const;
  const response = await call(api, request, { good: [200, 404] });
  if (response.status === 404) {
    await discardBody(response);
    throw new FinchError('REMOTE_NOT_FOUND', `${what} is not in the registry`);
  }
  const bytes = await readWhole(response, { limit: MAX_DOCUMENT_BYTES, signal });
  const { algorithm } = isDigest(reference) ? digestParts(reference) : { algorithm: undefined };
  const digest = digestOf(bytes, algorithm);
  if (isDigest(reference) && digest !== reference) {
    throw new FinchError(
      'CONTENT_MISMATCH',
      `registry ${api.registry} sent other bytes for ${what}`,
    );
  }
  const called = contentType(response);
  const { mediaType } = parseDocument(bytes, {
    what,
    ...(called !== undefined && { mediaType: called }),
  });
  return { descriptor: describe(mediaType, digest, bytes), bytes };
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
  const response = await call(
    api,
    {
      method: 'PUT',
      url: repositoryUrl(api, `manifests/${reference}`),
      headers: { 'content-type': mediaType },
      body: () => ({ bytes }),
      idempotent: true,
      signal,
    },
    { good: [200, 201, 202, 204] },
  );
  await discardBody(response);
  const kept = response.headers.get('docker-content-digest');
  if (kept !== null && isDigest(kept) && isSameAlgorithm(kept, digest) && kept !== digest) {
    throw new FinchError('CONTENT_MISMATCH', `registry ${api.registry} kept ${kept} for ${digest}`);
  }
}

/** What {@link putManifest} stores. */
export interface PutDocument {
  /** A tag, or the document's digest. */
  readonly reference: string | Digest;
  readonly document: Descriptor;
  readonly bytes: Uint8Array;
}

/** The descriptor in an answer's headers, when all of it is there. */
function describedBy(response: Response): Descriptor | undefined {
  const { headers } = response;
  const digest = headers.get('docker-content-digest');
  const length = headers.get('content-length') ?? '';
  const mediaType = contentType(response);
  const size = /^\d{1,15}$/.test(length) ? Number(length) : 0;
  if (!isDigest(digest) || mediaType === undefined || size === 0) return undefined;
  return { mediaType, digest, size };
}

/** The media type of an answer without parameters, when it is one of a document. */
function contentType({ headers }: Response): string | undefined {
  const type = headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  return type !== undefined && isDocumentType(type) ? type : undefined;
}

function isSameAlgorithm(a: Digest, b: Digest): boolean {
  return digestParts(a).algorithm === digestParts(b).algorithm;
}
