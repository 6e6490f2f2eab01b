import type { AbortOptions, Content } from '../content.ts';
import { FinchError } from '../errors.ts';
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
