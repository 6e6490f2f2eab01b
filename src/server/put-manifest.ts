import { memoryContent } from '../content.ts';
import { type Descriptor, describe } from '../oci/descriptor.ts';
import { type Digest, digestOf, digestParts, isDigest } from '../oci/digest.ts';
import { childrenOf, type Document, parseDocument } from '../oci/document.ts';
import { MAX_DOCUMENT_BYTES } from '../oci/json.ts';
import { isNonDistributable } from '../oci/media-types.ts';
import { isTag } from '../oci/reference.ts';
import type { ImageStore } from '../store/image-store.ts';
import { readBody } from './read-body.ts';
import type { Call, Registry } from './registry.ts';
import { RegistryError } from './registry-error.ts';

/**
 * Keeps a manifest or index under a tag; or by its digest, with the tags of the query if there are some.
 * What a manifest names must be here; members of an index may come later or never.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests
 */
export async function putManifest(registry: Registry, call: Call): Promise<Response> {
  const { store, names, claims } = registry;
  const { digest: named, tags } = parseTarget(call);
  const bytes = await readBody(call, MAX_DOCUMENT_BYTES);
  const digest = digestOf(bytes, named && digestParts(named).algorithm);
  if (named !== undefined && digest !== named) {
    throw new RegistryError(400, 'DIGEST_INVALID', {
      message: `the manifest's digest is ${digest}`,
    });
  }
  const document = parseBody(bytes, call.request);
  const children = requireChildren(store, document);
  const target = describe(document.mediaType, digest, bytes);
  let isLeft = false;
  await claims.settle({ key: call.key, digest }, [...children.keys()], async () => {
    for (const child of children.values()) {
      const isKept = await store.has(child, { signal: call.request.signal });
      if (!isKept && isRequired(child, document)) throw unknownBlob(child.digest);
    }
    await store.write(target, memoryContent(bytes));
    isLeft = await names.put(call.key, target, { document, tags });
  });
  registry.settled(target);
  if (isLeft) registry.unnamed();
  const headers = {
    Location: `/v2/${call.repository}/manifests/${digest}`,
    'Docker-Content-Digest': digest,
    ...(document.subject && { 'OCI-Subject': document.subject.digest }),
    ...(named !== undefined && tags.length > 0 && { 'OCI-Tag': tags.join(', ') }),
  };
  return new Response(null, { status: 201, headers });
}

function parseTarget({ reference, query }: Call): { digest?: Digest; tags: readonly string[] } {
  const byDigest = isDigest(reference);
  const tags = byDigest ? [...new Set(query.getAll('tag'))] : [reference];
  if (!tags.every(isTag)) {
    const message = 'a manifest is put under a tag or its digest, and this is neither';
    // No tag has a colon: what has one was meant as a digest.
    const code = reference.includes(':') && !byDigest ? 'DIGEST_INVALID' : 'MANIFEST_INVALID';
    throw new RegistryError(400, code, { message });
  }
  return byDigest ? { digest: reference, tags } : { tags };
}

function parseBody(bytes: Uint8Array, request: Request): Document {
  const mediaType = request.headers.get('content-type')?.split(';')[0]?.trim();
  const document = parseDocument(bytes, { what: 'the manifest', ...(mediaType && { mediaType }) });
  if (mediaType && mediaType !== document.mediaType) {
    const message = `the manifest is ${document.mediaType} and the Content-Type says otherwise`;
    throw new RegistryError(400, 'MANIFEST_INVALID', { message });
  }
  return document;
}

/**
 * Checks that what a manifest names is here; what of it is. Nothing is kept yet, so that a manifest that is
 * refused leaves nothing behind.
 */
function requireChildren(store: ImageStore, document: Document): ReadonlyMap<Digest, Descriptor> {
  const here = new Map<Digest, Descriptor>();
  for (const child of childrenOf(document)) {
    const { digest, size } = child;
    const stat = store.stat(digest);
    if (stat === undefined && isRequired(child, document)) throw unknownBlob(digest);
    if (stat === undefined) continue;
    if (stat.size !== size) {
      const message = `the manifest says ${size} bytes of content that has ${stat.size}`;
      throw new RegistryError(400, 'MANIFEST_INVALID', { message, detail: { digest } });
    }
    here.set(digest, child);
  }
  return here;
}

function isRequired({ mediaType }: Descriptor, document: Document): boolean {
  return document.kind === 'manifest' && !isNonDistributable(mediaType);
}

function unknownBlob(digest: Digest): RegistryError {
  const message = 'the manifest names content that this registry does not have';
  return new RegistryError(400, 'MANIFEST_BLOB_UNKNOWN', { message, detail: { digest } });
}
