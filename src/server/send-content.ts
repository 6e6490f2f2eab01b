import type { Content } from '../content.ts';
import type { Digest } from '../oci/digest.ts';
import { type ByteRange, parseRange } from './byte-range.ts';
import { RegistryError } from './registry-error.ts';

/** A content's digest never means other bytes. */
export const IMMUTABLE = 'private, max-age=31536000, immutable';

/** How {@link sendContent} describes what it sends. */
export interface SendOptions {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly cacheControl: string;
}

/**
 * The answer to a `GET` or `HEAD` of stored content, or of one range of it. A file goes to the socket
 * without passing through the program, so that a client that reads slowly costs no memory; one that
 * reads nothing runs into the time-out of its connection.
 * @throws RegistryError 416 when the range lies outside
 */
export function sendContent(
  request: Request,
  content: Content,
  { digest, mediaType, cacheControl }: SendOptions,
): Response {
  const etag = `"${digest}"`;
  const headers = {
    'Content-Type': mediaType,
    'Docker-Content-Digest': digest,
    'Cache-Control': cacheControl,
    ETag: etag,
    'Accept-Ranges': 'bytes',
  };
  const known = request.headers.get('if-none-match');
  if (known !== null && (known === '*' || known.includes(etag))) {
    return new Response(null, { status: 304, headers });
  }
  if (request.method === 'HEAD') {
    return new Response(null, { headers: { ...headers, 'Content-Length': `${content.size}` } });
  }
  const ifRange = request.headers.get('if-range');
  const range =
    ifRange === null || ifRange === etag
      ? parseRange(request.headers.get('range'), content.size)
      : undefined;
  if (range === 'unsatisfiable') {
    throw new RegistryError(416, 'RANGE_INVALID', {
      message: `the content has ${content.size} bytes`,
      headers: { 'Content-Range': `bytes */${content.size}` },
    });
  }
  if (range === undefined) {
    return new Response(body(content, { start: 0, end: content.size }), { headers });
  }
  const contentRange = `bytes ${range.start}-${range.end - 1}/${content.size}`;
  return new Response(body(content, range), {
    status: 206,
    headers: { ...headers, 'Content-Range': contentRange },
  });
}

function body(content: Content, { start, end }: ByteRange): Blob | ReadableStream<Uint8Array> {
  if (content.file !== undefined) {
    const { path, offset } = content.file;
    return Bun.file(path).slice(offset + start, offset + end);
  }
  const pieces = content.stream({ start })[Symbol.asyncIterator]();
  let left = end - start;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value } = await pieces.next();
      if (value !== undefined) controller.enqueue(value.slice(0, left));
      left -= Math.min(left, value?.length ?? left);
      if (left > 0) return;
      controller.close();
      await pieces.return?.();
    },
    async cancel() {
      await pieces.return?.();
    },
  });
}
