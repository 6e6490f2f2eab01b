import type { Descriptor } from '../../src/oci/descriptor.ts';
import { isDigest } from '../../src/oci/digest.ts';
import { isDocumentType } from '../../src/oci/media-types.ts';
import type { Repository } from '../../src/registry/repository.ts';
import type { Graph } from './graph.ts';
import { type Hook, MemoryStore } from './memory-store.ts';

/** What {@link memoryRepository} makes beside its defaults. */
interface MemoryRepositoryOptions {
  readonly registry?: string;
  readonly name?: string;
  readonly hook?: Hook;
  /** Where it would take a blob from that is to be written. */
  readonly mounts?: (descriptor: Descriptor) => string | undefined;
}

/** A {@link Repository} in memory. */
export interface MemoryRepository extends Repository {
  readonly store: MemoryStore;
  /** Root of each tag. */
  readonly named: Map<string, Descriptor>;
}

/** A repository in memory; its log has also `resolve TAG` and `tag TAG,TAG NAME`. */
export function memoryRepository(
  graph: Graph,
  options: MemoryRepositoryOptions = {},
): MemoryRepository {
  const { registry = 'r.test', name = 'app', hook, mounts = () => undefined } = options;
  const nameOf = (descriptor: Descriptor) => graph.nameOf(descriptor);
  const store = new MemoryStore({ nameOf, ...(hook && { hook }) });
  const named = new Map<string, Descriptor>();
  const documents = new Map<string, Descriptor>();
  return {
    ...{ registry, name, store, named },
    has: (descriptor, abort) => store.has(descriptor, abort),
    open: (descriptor, abort) => store.open(descriptor, abort),
    write: async (descriptor, content, writing) => {
      await store.write(descriptor, content, writing);
      documents.set(descriptor.digest, descriptor);
    },
    async resolve(reference) {
      store.log.push(
        `resolve ${isDigest(reference) ? graph.nameOf({ digest: reference }) : reference}`,
      );
      return isDigest(reference) ? documents.get(reference) : named.get(reference);
    },
    async tag(tags, document, bytes) {
      store.log.push(`tag ${tags.join()} ${graph.nameOf(document)}`);
      store.blobs.set(document.digest, bytes);
      documents.set(document.digest, document);
      for (const tag of tags) named.set(tag, document);
    },
    async wouldWrite(descriptor, { source } = {}) {
      if (isDocumentType(descriptor.mediaType)) return { requests: 1 };
      const from = mounts(descriptor) ?? (source === name ? undefined : source);
      return from === undefined ? { requests: 2 } : { from, requests: 1 };
    },
    wasHere: (digest) => documents.has(digest),
    tryUpload: async () => {},
    tags: async () => [...named.keys()],
  };
}
