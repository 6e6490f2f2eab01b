import type { AbortOptions, ContentReader } from '../content.ts';
import { FinchError, hasCode } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { digestOf, digestParts } from '../oci/digest.ts';
import { type Document, parseDocument } from '../oci/document.ts';
import { type ImageConfig, parseImageConfig } from '../oci/image-config.ts';
import { invalidDocument, MAX_CONFIG_BYTES, MAX_DOCUMENT_BYTES } from '../oci/json.ts';

/** A manifest or index and its exact bytes. */
export interface StoredDocument {
  readonly document: Document;
  readonly bytes: Uint8Array;
}

/**
 * The verified manifest or index that `descriptor` names.
 * @throws FinchError `CONTENT_MISSING`, `CONTENT_DAMAGED`, `CONTENT_MISMATCH`, `DOCUMENT_INVALID`
 */
export async function readDocument(
  from: ContentReader,
  descriptor: Descriptor,
  options: AbortOptions = {},
): Promise<StoredDocument> {
  const bytes = await readVerified(from, descriptor, { ...options, limit: MAX_DOCUMENT_BYTES });
  const document = parseDocument(bytes, {
    mediaType: descriptor.mediaType,
    what: `document ${descriptor.digest}`,
  });
  return { document, bytes };
}

/**
 * The verified image configuration that `descriptor` names.
 * @throws FinchError `CONTENT_MISSING`, `CONTENT_DAMAGED`, `CONTENT_MISMATCH`, `DOCUMENT_INVALID`
 */
export async function readImageConfig(
  from: ContentReader,
  descriptor: Descriptor,
  options: AbortOptions = {},
): Promise<ImageConfig> {
  const bytes = await readVerified(from, descriptor, { ...options, limit: MAX_CONFIG_BYTES });
  return parseImageConfig(bytes, `config ${descriptor.digest}`);
}

/** Whether a document could not be read because it is not here, or not what its digest names. */
export function isUnreadable(error: unknown): boolean {
  return hasCode(
    error,
    'CONTENT_MISSING',
    'CONTENT_DAMAGED',
    'CONTENT_MISMATCH',
    'DOCUMENT_INVALID',
  );
}

/**
 * The bytes that `descriptor` names, verified.
 * @throws FinchError `CONTENT_MISSING`, `CONTENT_DAMAGED`, `CONTENT_MISMATCH`; `DOCUMENT_INVALID` for more than `limit`
 */
export async function readVerified(
  from: ContentReader,
  descriptor: Descriptor,
  { limit, signal }: AbortOptions & { limit: number },
): Promise<Uint8Array> {
  const { digest, size } = descriptor;
  if (size > limit) {
    throw invalidDocument(`${digest} has ${size} bytes, more than ${limit}`);
  }
  const content = await from.open(descriptor, { signal });
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of content.stream({ signal })) {
    length += piece.length;
    if (length > size) break;
    pieces.push(piece.slice());
  }
  const bytes = Buffer.concat(pieces);
  if (length !== size) {
    const found = length > size ? `more than ${size}` : `${length}`;
    throw new FinchError(
      'CONTENT_MISMATCH',
      `${digest} has ${found} bytes, but what names it says ${size}`,
      { hint: 'one of the two is damaged; get the image again from where it was made' },
    );
  }
  if (digestOf(bytes, digestParts(digest).algorithm) !== digest) {
    throw new FinchError('CONTENT_MISMATCH', `the bytes of ${digest} do not have that digest`, {
      hint: 'it is damaged; get the image again from where it was made',
    });
  }
  return bytes;
}
