import type { AbortOptions, Content, ContentReader } from '../content.ts';
import { FinchError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { digestOf, digestParts } from '../oci/digest.ts';
import { type Document, parseDocument } from '../oci/document.ts';
import { MAX_DOCUMENT_BYTES } from '../oci/json.ts';
import { readAll } from '../streams/bounded.ts';

/** Options of {@link readBounded}. */
export interface ReadBoundedOptions extends AbortOptions {
  /** Names the content in messages. */
  readonly what: string;
  /** The most bytes that are read. Default: 4 MiB. */
  readonly limit?: number;
}

/**
 * Small content as a whole.
 * @throws FinchError `ARCHIVE_INVALID` when it is larger than the limit
 */
export async function readBounded(
  content: Content,
  { what, limit = MAX_DOCUMENT_BYTES, signal }: ReadBoundedOptions,
): Promise<Uint8Array> {
  const tooLarge = () =>
    new FinchError('ARCHIVE_INVALID', `${what} is larger than ${limit / 1024 / 1024} MiB`);
  if (content.size > limit) throw tooLarge();
  return readAll(content.stream({ signal }), { limit, tooLarge });
}

/**
 * Small content as a whole, compared with its digest.
 * @throws FinchError `CONTENT_MISSING`, `CONTENT_MISMATCH`, `ARCHIVE_INVALID` when it is too large
 */
export async function readVerified(
  from: ContentReader,
  descriptor: Descriptor,
  options: Omit<ReadBoundedOptions, 'what'> = {},
): Promise<Uint8Array> {
  const { digest } = descriptor;
  const content = await from.open(descriptor, options);
  const bytes = await readBounded(content, { ...options, what: digest });
  if (digestOf(bytes, digestParts(digest).algorithm) !== digest) {
    throw new FinchError('CONTENT_MISMATCH', `the bytes of ${digest} do not have that digest`);
  }
  return bytes;
}

/**
 * The manifest or index that `descriptor` names.
 * @throws FinchError as {@link readVerified}, and `DOCUMENT_INVALID`
 */
export async function readDocument(
  from: ContentReader,
  descriptor: Descriptor,
  options: AbortOptions = {},
): Promise<{ readonly document: Document; readonly bytes: Uint8Array }> {
  const bytes = await readVerified(from, descriptor, options);
  const what = `document ${descriptor.digest}`;
  return { document: parseDocument(bytes, { mediaType: descriptor.mediaType, what }), bytes };
}
