import { type Digest, isDigest } from '../oci/digest.ts';
import type { Call, Registry } from './registry.ts';
import { RegistryError } from './registry-error.ts';
import { IMMUTABLE, sendContent } from './send-content.ts';

const MEDIA_TYPE = 'application/octet-stream';

/**
 * Sends a blob. The store is one for all repositories: who knows a digest may read it from each of them,
 * but for one where it was deleted.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-blobs
 */
export async function getBlob({ store, names, claims }: Registry, call: Call): Promise<Response> {
  const digest = blobDigest(call);
  const size = store.stat(digest)?.size;
  const place = { key: call.key, digest };
  const isGone = claims.isGivenUp(place) && !names.sees(call.key, digest);
  if (size === undefined || isGone) throw unknown(digest);
  const descriptor = { mediaType: MEDIA_TYPE, digest, size };
  // A client that learns here that it need not send the blob relies on it.
  const { signal } = call.request;
  const isHere = () => store.has(descriptor, { signal });
  if (call.request.method === 'HEAD' && !(await claims.tell(place, isHere))) {
    throw unknown(digest);
  }
  const content = await store.open(descriptor, { signal });
  return sendContent(call.request, content, {
    digest,
    mediaType: MEDIA_TYPE,
    cacheControl: IMMUTABLE,
  });
}

/**
 * Takes a blob out of a repository. It is freed when nobody else relies on it: no image in the store, no
 * client of another repository, no other process.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#deleting-blobs
 */
export async function deleteBlob(
  { store, names, claims }: Registry,
  call: Call,
): Promise<Response> {
  const digest = blobDigest(call);
  const { key } = call;
  const place = { key, digest };
  if (store.stat(digest) === undefined || claims.isGivenUp(place)) throw unknown(digest);
  if (names.sees(key, digest)) {
    const message = 'an image in this repository needs the blob; delete its manifest first';
    throw new RegistryError(405, 'UNSUPPORTED', { message });
  }
  const isElsewhere = () => claims.has(digest) || store.reaches('', digest);
  if (!claims.isClaimed(place) && isElsewhere()) throw unknown(digest);
  claims.giveUp(place);
  if (!isElsewhere()) await store.remove(digest);
  return new Response(null, { status: 202 });
}

function blobDigest({ reference }: Call): Digest {
  if (isDigest(reference)) return reference;
  throw new RegistryError(400, 'DIGEST_INVALID', { message: 'this is not a valid digest' });
}

function unknown(digest: Digest): RegistryError {
  const message = 'this registry does not have the blob';
  return new RegistryError(404, 'BLOB_UNKNOWN', { message, detail: { digest } });
}
