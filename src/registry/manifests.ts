import type { AbortOptions } from '../content.ts';
import { FinchError, hasCode } from '../errors.ts';
import { discardBody, readWhole } from '../http/body.ts';
import { ASK_WHO_RUNS_IT } from '../http/failure.ts';
import type { HttpRequest } from '../http/transport.ts';
import { type Descriptor, describe } from '../oci/descriptor.ts';
import { type Digest, digestOf, digestParts, isDigest } from '../oci/digest.ts';
import { parseDocument } from '../oci/document.ts';
import { MAX_DOCUMENT_BYTES } from '../oci/json.ts';
import { documentMediaTypes, isDocumentType } from '../oci/media-types.ts';
import { ask, call, type RepositoryApi, repositoryUrl } from './api.ts';
import { hasAdvice, saysLoginEnded } from './ecr-advice.ts';
import { type Refusal, readRefusal, refusalError } from './errors.ts';

/** What bytes are called that nobody gave a type. */
const UNKNOWN_TYPE = 'application/octet-stream';

const ACCEPT = documentMediaTypes.join(', ');

/** How long an answer may take that is only to make words better, in milliseconds. */
const EXPLAIN_MS = 3000;

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
 * @returns undefined when there is no such manifest, and for who pushes, who need not be one who may pull,
 *   when it may not be looked at
 */
export async function resolveManifest(
  api: RepositoryApi,
  reference: string | Digest,
  {
    signal,
    anyType = false,
    ahead = 0,
  }: AbortOptions & { anyType?: boolean | undefined; ahead?: number } = {},
): Promise<Descriptor | undefined> {
  const url = repositoryUrl(api, `manifests/${reference}`);
  const request = { method: 'HEAD', url, headers: { accept: ACCEPT }, signal, ahead } as const;
  const response = await ask(api, request, { good: [200, 404, 405, 501] });
  if (!(response instanceof Response)) {
    if (isUnseen(response, api)) return undefined;
    throw refusalError(response, api);
  }
  if (response.status === 404) {
    if (!anyType) await explainMissing(api, request);
    return undefined;
  }
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

/** Whether nothing is refused but to look at a manifest, to who only wants to write it. */
function isUnseen({ status, host, reason }: Refusal, { access }: RepositoryApi): boolean {
  return access === 'push' && status === 403 && host === undefined && !saysLoginEnded(reason);
}

/**
 * Who pulls wants to know whether it is the tag that is missing, or all of the repository. Where a registry
 * may tell it is asked once more, and what else comes of that is of no interest.
 * @throws FinchError `REMOTE_NOT_FOUND` when it is the repository
 */
async function explainMissing(api: RepositoryApi, request: HttpRequest): Promise<void> {
  if (!hasAdvice(api.registry)) return;
  const { endpoint } = api;
  const { signal } = request;
  const again = { ...request, method: 'GET', idempotent: false, patienceMs: EXPLAIN_MS } as const;
  const asking = api.send(again).then((answer) => readRefusal(answer, { endpoint, signal }));
  const refusal = await asking.catch(() => undefined);
  signal?.throwIfAborted();
  if (refusal?.status === 404 && refusal.codes.includes('NAME_UNKNOWN')) {
    throw refusalError(refusal, api);
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
