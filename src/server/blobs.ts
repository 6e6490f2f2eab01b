import { type Digest, isDigest } from '../oci/digest.ts';
import type { Call, Registry } from './registry.ts';
import { RegistryError } from './registry-error.ts';
import { IMMUTABLE, sendContent } from './send-content.ts';

const MEDIA_TYPE = 'application/octet-stream';

/**
 * Sends a blob. The store is one for all repositories: who knows a digest may read it.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-blobs
 */
export async function getBlob({ store }: Registry, call: Call): Promise<Response> {
  const digest = blobDigest(call);
  const size = store.stat(digest)?.size;
  if (size === undefined) throw unknown(digest);
  const descriptor = { mediaType: MEDIA_TYPE, digest, size };
  // A client that learns here that it need not send the blob relies on it: `has` keeps it.
  if (call.request.method === 'HEAD' && !(await store.has(descriptor))) throw unknown(digest);
  const content = await store.open(descriptor);
  return sendContent(call.request, content, {
    digest,
    mediaType: MEDIA_TYPE,
    cacheControl: IMMUTABLE,
  });
}

/**
 * Frees a blob, unless an image in the store or another process needs it.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#deleting-blobs
 */
export async function deleteBlob({ store, lease }: Registry, call: Call): Promise<Response> {
  const digest = blobDigest(call);
  if (store.stat(digest) === undefined) throw unknown(digest);
  if (store.reaches('', digest)) {
    const message = 'an image in this registry needs the blob; delete its manifest first';
    throw new RegistryError(405, 'UNSUPPORTED', { message });
  }
  if (!(await store.remove(digest, { except: lease }))) {
    if (store.stat(digest) === undefined) throw unknown(digest);
    const message = 'the blob is in use; try again later';
    throw new RegistryError(405, 'UNSUPPORTED', { message });
  }
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
