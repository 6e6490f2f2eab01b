import type { HostTraits } from './host-traits.ts';
import type { Span } from './progress.ts';
import type { Session } from './session.ts';

/** What the next request of an upload sends. */
export interface NextRequest extends Span {
  /** Whether it closes the upload. */
  readonly closes: boolean;
  /** Whether it says which bytes it brings. */
  readonly hasRange: boolean;
}

/** Options of {@link nextRequest}. */
export interface NextOptions {
  readonly size: number;
  readonly traits: HostTraits;
  /** Whether the request that closes brings no bytes, if others came before it. */
  readonly closesEmpty: boolean;
}

/**
 * What to send from where an upload is: all of it in the request that closes it, or what is left of it,
 * where the registry takes that much at once; else the next chunk. The last chunk comes with the request that
 * closes. Who takes no chunks gets everything in one request.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks
 */
export function nextRequest(
  { offset, minChunkBytes }: Session,
  { size, traits, closesEmpty }: NextOptions,
): NextRequest {
  const { way, takesChunks, chunkBytes, maxBodyBytes, maxRangeBytes } = traits;
  const rest = size - offset;
  const isFirst = offset === 0;
  const least = Math.max(minChunkBytes, traits.minChunkBytes);
  const chunk = Math.min(Math.max(chunkBytes, least), maxBodyBytes, maxRangeBytes);
  const whole = isFirst ? maxBodyBytes : Math.min(maxBodyBytes, maxRangeBytes);
  const limit = takesChunks ? (way === 'whole' ? whole : chunk) : Number.POSITIVE_INFINITY;
  if (rest > limit) {
    const start = offset;
    return { start, end: offset + Math.min(chunk, rest), closes: false, hasRange: true };
  }
  const hasRange = !isFirst && rest > 0;
  return { start: offset, end: size, closes: !(closesEmpty && hasRange), hasRange };
}
