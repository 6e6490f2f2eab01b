import type { ByteStream } from '../content.ts';
import { readAll } from '../streams/bounded.ts';
import { RegistryError } from './registry-error.ts';

/** The body of a request, as it arrives; empty when it has none. Throws when the client goes away. */
export async function* bodyStream(request: Request): ByteStream {
  if (request.body !== null) yield* request.body;
}

/** The `Content-Length` that the client gave; undefined when it gave none. */
export function bodyLength(request: Request): number | undefined {
  const header = request.headers.get('content-length');
  return header === null ? undefined : Number(header);
}

/**
 * The whole body of a request.
 * @throws RegistryError 413 when it has more than `limit` bytes
 */
export async function readBody(request: Request, limit: number): Promise<Uint8Array> {
  const tooLarge = () =>
    new RegistryError(413, 'SIZE_INVALID', { message: `the body is larger than ${limit} bytes` });
  if ((bodyLength(request) ?? 0) > limit) throw tooLarge();
  return readAll(bodyStream(request), { limit, tooLarge });
}
