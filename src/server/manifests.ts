import type { Descriptor } from '../oci/descriptor.ts';
import { isDigest } from '../oci/digest.ts';
import { isDocumentType } from '../oci/media-types.ts';
import { isTag } from '../oci/reference.ts';
import type { Call, Registry } from './registry.ts';
import { RegistryError } from './registry-error.ts';
import { IMMUTABLE, sendContent } from './send-content.ts';

/**
 * Sends a manifest or index, by tag or digest, exactly as it came.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
 */
export async function getManifest(registry: Registry, call: Call): Promise<Response> {
  const { digest, mediaType, size } = findManifest(registry, call);
  const { signal } = call.request;
  const content = await registry.store.open({ mediaType, digest, size }, { signal });
  return sendContent(call.request, content, {
    digest,
    mediaType,
    cacheControl: isDigest(call.reference) ? IMMUTABLE : 'no-cache',
  });
}

/**
 * Takes a tag away, or a document with all its tags.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#content-management
 */
export async function deleteManifest(registry: Registry, call: Call): Promise<Response> {
  const { names } = registry;
  const { key, reference } = call;
  const { digest } = findManifest(registry, call);
  const gone = isDigest(reference)
    ? await names.deleteDocument(key, digest)
    : await names.deleteTag(key, reference);
  if (!gone) throw unknown(call);
  registry.unnamed();
  return new Response(null, { status: 202 });
}

function findManifest({ store, names }: Registry, call: Call): Descriptor {
  const { key, reference } = call;
  if (isTag(reference)) {
    const target = names.tagged(key, reference);
    if (target !== undefined) return target;
  }
  if (isDigest(reference) && names.sees(key, reference)) {
    const stat = store.stat(reference);
    if (stat !== undefined && isDocumentType(stat.mediaType)) return { digest: reference, ...stat };
  }
  throw unknown(call);
}

function unknown({ repository, reference }: Call): RegistryError {
  const message = `the repository ${repository} has no such manifest`;
  // Whatever else stands there has no bound.
  const detail = isTag(reference) || isDigest(reference) ? { reference } : undefined;
  return new RegistryError(404, 'MANIFEST_UNKNOWN', { message, detail });
}
