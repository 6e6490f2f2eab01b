import { readFileSync } from 'node:fs';
import { FinchError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { type Digest, digestOf, isDigest } from '../oci/digest.ts';
import { childrenOf, type Document, parseDocument } from '../oci/document.ts';
import { MAX_DOCUMENT_BYTES } from '../oci/json.ts';
import { requiredParts } from './graph.ts';
import { ALGORITHMS, fileState, type Layout, listFolder } from './layout.ts';

/** The byte that every document begins with; no compressed layer does. */
const BRACE = 0x7b;

/**
 * The manifests and indexes among the blobs that have all their parts and that no other names: what images
 * there were, when nothing else is left to tell, and with what subject.
 */
export function findNamelessImages(
  layout: Layout,
): readonly { readonly target: Descriptor; readonly subject: Digest | undefined }[] {
  const documents = new Map<Digest, { readonly document: Document; readonly size: number }>();
  for (const algorithm of ALGORITHMS) {
    for (const hex of listFolder(layout.folder(algorithm))) {
      const digest = `${algorithm}:${hex}`;
      if (!isDigest(digest)) continue;
      const found = readDocument(layout.blob(digest));
      if (found === undefined || digestOf(found.bytes, algorithm) !== digest) continue;
      if (!requiredParts(found.document).every((part) => isThere(layout, part))) continue;
      documents.set(digest, { document: found.document, size: found.bytes.length });
    }
  }
  const named = new Set(
    [...documents.values()].flatMap(({ document }) =>
      childrenOf(document).map(({ digest }) => digest),
    ),
  );
  return [...documents]
    .filter(([digest]) => !named.has(digest))
    .map(([digest, { document, size }]) => ({
      target: { mediaType: document.mediaType, digest, size },
      subject: document.subject?.digest,
    }));
}

function isThere(layout: Layout, { digest, size }: Descriptor): boolean {
  try {
    return fileState(layout.blob(digest))?.size === size;
  } catch (error) {
    if (error instanceof FinchError) return false;
    throw error;
  }
}

function readDocument(path: string): { document: Document; bytes: Uint8Array } | undefined {
  try {
    if ((fileState(path)?.size ?? Number.POSITIVE_INFINITY) > MAX_DOCUMENT_BYTES) return undefined;
    const bytes = readFileSync(path);
    return bytes[0] === BRACE
      ? { document: parseDocument(bytes, { what: path }), bytes }
      : undefined;
  } catch (error) {
    if (error instanceof FinchError || isSystemError(error)) return undefined;
    throw error;
  }
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}
