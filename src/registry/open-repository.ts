import { type AbortOptions, type Content, memoryContent } from '../content.ts';
import type { Keychain } from '../credentials/keychain.ts';
import { FinchError, hasCode } from '../errors.ts';
import type { RetryOptions } from '../http/retry.ts';
import type { Transport } from '../http/transport.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { MAX_DOCUMENT_BYTES } from '../oci/json.ts';
import { isDocumentType } from '../oci/media-types.ts';
import type { RepositoryApi } from './api.ts';
import { BlobWriter } from './blob-writer.ts';
import { openBlob } from './blobs.ts';
import { connect } from './connect.ts';
import type { Courier } from './courier/courier.ts';
import { type FetchedDocument, getManifest, resolveManifest } from './manifests.ts';
import { emptyMemory, type RegistryMemory } from './memory/registry-memory.ts';
import { putManifest } from './put-manifest.ts';
import type { RealmTrust } from './realm.ts';
import type { Repository } from './repository.ts';
import { type Access, repositoryScope } from './scope.ts';
import type { Site } from './site.ts';
import { listTags } from './tags.ts';

/** How {@link openRepository} reaches a repository. */
export interface RepositoryOptions {
  readonly transport: Transport;
  readonly keychain: Keychain;
  /** What will be done with it, so that the first token is good for it. Default: `pull`. */
  readonly access?: Access;
  /** Whether the user named this registry as one without a valid certificate, or without TLS. */
  readonly insecure?: boolean;
  /** Which host it is at, and whose login that takes. Default: the registry itself. */
  readonly site?: Site;
  /** Which token servers the user trusts with logins. Default: none but the registry's own. */
  readonly trust?: RealmTrust;
  /** What `User-Agent` says, for example `finch/1.2.3`. */
  readonly userAgent?: string;
  readonly retry?: RetryOptions;
  /** What is known of registries from before. Default: nothing. */
  readonly memory?: RegistryMemory;
  /** Whether an upload that is interrupted is kept for the next process. Default: true; else it is cancelled. */
  readonly resume?: boolean;
  /** Carries parts of large blobs to registries where an upload ends with the process that sends it. Default: nobody. */
  readonly courier?: Courier | undefined;
  /**
   * Whether what a tag or digest names is told by its bytes and not by headers, which may send us to what
   * nobody has. Opening it then takes those bytes.
   */
  readonly resolveByBytes?: boolean;
}

/**
 * A repository of a registry. Nothing is sent before something is asked of it. Loopback hosts are
 * reached over plain HTTP, all others over TLS; Docker Hub is `docker.io`.
 */
export function openRepository(
  { registry: named, name }: { readonly registry: string; readonly name: string },
  options: RepositoryOptions,
): Repository {
  const { transport, keychain, access = 'pull', insecure, site, userAgent, retry = {} } = options;
  const { resolveByBytes = false } = options;
  const registry = site?.name ?? named;
  const connection = connect(registry, {
    transport,
    credential: (asking) => {
      const needed = access !== 'pull';
      return keychain.credential(registry, { ...asking, repository: name, needed });
    },
    scopes: [repositoryScope(name, access)],
    insecure,
    site,
    trust: options.trust,
    onIdentityToken: (token, change) => keychain.replaceToken?.(registry, token, change),
    userAgent,
    retry,
    memory: options.memory,
  });
  const api: RepositoryApi = { registry, name, access, ...connection };
  // Who pushes only compares digests: what a tag names before may be anything.
  const anyType = access !== 'pull';
  const { memory = emptyMemory(), resume = true } = options;
  const blobs = new BlobWriter(api, { retry, memory, resume, courier: options.courier });
  const has = async (descriptor: Descriptor, abort?: AbortOptions): Promise<boolean> => {
    if (!isDocumentType(descriptor.mediaType)) return blobs.has(descriptor, abort);
    return (await resolveManifest(api, descriptor.digest, { ...abort, anyType })) !== undefined;
  };
  const wasHere = (digest: Digest) => memory.placesOf(registry, digest, '').includes(name);
  const isHere = (digest: Digest) => {
    if (!wasHere(digest)) memory.rememberPlace(registry, name, digest);
  };
  let resolved: FetchedDocument | undefined;
  return {
    registry,
    name,
    has,
    async resolve(reference, abort) {
      if (!resolveByBytes) {
        const found = await resolveManifest(api, reference, { ...abort, anyType });
        if (access === 'push' && found !== undefined) isHere(found.digest);
        return found;
      }
      try {
        resolved = await getManifest(api, reference, abort);
        return resolved.descriptor;
      } catch (error) {
        if (hasCode(error, 'REMOTE_NOT_FOUND')) return undefined;
        throw error;
      }
    },
    async tryUpload(abort) {
      const { tryUpload } = await import('./upload/open-upload.ts');
      await tryUpload(api, abort);
    },
    async wouldWrite(descriptor, { tags = [], source } = {}) {
      if (!isDocumentType(descriptor.mediaType)) return blobs.wouldWrite(descriptor, source);
      const { noMultiTag } = memory.traits(api.endpoint.host);
      // Few registries take several tags together, which is tried where nothing is known.
      const together = noMultiTag === true ? 0 : 1;
      const single = noMultiTag === false ? 0 : tags.length;
      return { requests: tags.length > 1 ? together + single : 1 };
    },
    wasHere,
    tags: (abort) => listTags(api, abort),
    async tag(tags, document, bytes, abort) {
      await putManifest(api, { tags, document, bytes }, { ...abort, memory });
      isHere(document.digest);
    },
    async open(descriptor, abort) {
      if (!isDocumentType(descriptor.mediaType))
        return openBlob(api, descriptor, { ...abort, retry });
      const taken = resolved?.descriptor.digest === descriptor.digest ? resolved : undefined;
      resolved = undefined;
      const { bytes } = taken ?? (await getManifest(api, descriptor.digest, abort));
      return memoryContent(bytes);
    },
    async write(descriptor, content, writing = {}) {
      if (!isDocumentType(descriptor.mediaType)) return blobs.write(descriptor, content, writing);
      const bytes = await readDocumentBytes(descriptor, { content, signal: writing.signal });
      await putManifest(api, { document: descriptor, bytes }, writing);
      writing.onBytes?.(bytes.length);
    },
  };
}

/** The bytes of a document that is to be written; {@link putManifest} compares their digest. */
async function readDocumentBytes(
  { digest, size }: Descriptor,
  { content, signal }: AbortOptions & { content: Content },
): Promise<Uint8Array> {
  const mismatch = () =>
    new FinchError('CONTENT_MISMATCH', `the bytes of ${digest} do not have its size`);
  if (size !== content.size || size > MAX_DOCUMENT_BYTES) throw mismatch();
  const bytes = new Uint8Array(size);
  let length = 0;
  for await (const piece of content.stream({ signal })) {
    if (length + piece.length > size) throw mismatch();
    bytes.set(piece, length);
    length += piece.length;
  }
  if (length !== size) throw mismatch();
  return bytes;
}
