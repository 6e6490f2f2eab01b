import type { AbortOptions, ContentReader } from '../content.ts';
import { readDocument } from '../copy/read-document.ts';
import { FinchError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { type Digest, digestParts } from '../oci/digest.ts';
import { childrenOf } from '../oci/document.ts';
import { isDocumentType, isNonDistributable } from '../oci/media-types.ts';
import { nextLevel } from '../oci/nesting.ts';
import type { FileTree } from './file-tree.ts';

/** As many missing digests as a message needs. */
const MAX_MISSING = 10;

/** The blobs of an OCI image layout. */
export interface LayoutReader extends ContentReader {
  /**
   * What keeps `descriptor` from being here, at most 10 digests; empty when it is here. A manifest
   * needs its config and every layer that can be distributed, an index one of its members.
   * @throws FinchError `DOCUMENT_INVALID` for indexes that lie in one another more than 32 deep
   */
  missing(descriptor: Descriptor, options?: AbortOptions): Promise<readonly Digest[]>;
}

/** The path in an image layout of what `descriptor` names. */
export function blobPath({ digest }: Descriptor): string {
  const { algorithm, hex } = digestParts(digest);
  return `blobs/${algorithm}/${hex}`;
}

/**
 * Reads the blobs below `blobs/` of an image layout, any of which may be missing.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md#blobs
 * @param what names the archive in messages
 */
export function layoutReader(tree: FileTree, what: string): LayoutReader {
  const known = new Map<Digest, readonly Digest[]>();
  const get = (descriptor: Descriptor, options?: AbortOptions) =>
    tree.get(blobPath(descriptor), options);
  const reader: LayoutReader = {
    async has(descriptor, options) {
      return (await reader.missing(descriptor, options)).length === 0;
    },
    async open(descriptor, options) {
      const content = await get(descriptor, options);
      if (content !== undefined) return content;
      throw new FinchError('CONTENT_MISSING', `${what} does not hold ${descriptor.digest}`);
    },
    missing: (descriptor, options) => missingAt(0, descriptor, options),
  };
  async function missingAt(level: number, descriptor: Descriptor, options?: AbortOptions) {
    const { digest, mediaType } = descriptor;
    const before = known.get(digest);
    if (before !== undefined) return before;
    let missing: readonly Digest[] = [];
    if ((await get(descriptor, options)) === undefined) missing = [digest];
    else if (isDocumentType(mediaType)) missing = await missingBelow(level, descriptor, options);
    known.set(digest, missing);
    return missing;
  }
  async function missingBelow(
    level: number,
    descriptor: Descriptor,
    options?: AbortOptions,
  ): Promise<readonly Digest[]> {
    const { document } = await readDocument(reader, descriptor, options);
    const levelBelow = document.kind === 'index' ? nextLevel(level, descriptor) : level;
    const missing = new Set<Digest>();
    for (const child of childrenOf(document)) {
      const below = isNonDistributable(child.mediaType)
        ? []
        : await missingAt(levelBelow, child, options);
      if (document.kind === 'index' && below.length === 0) return [];
      for (const digest of below) if (missing.size < MAX_MISSING) missing.add(digest);
    }
    return [...missing];
  }
  return reader;
}
