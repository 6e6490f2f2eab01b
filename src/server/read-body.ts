import type { AbortOptions, ByteStream } from '../content.ts';
import { readAll } from '../streams/bounded.ts';
import type { Call } from './registry.ts';
import { RegistryError } from './registry-error.ts';

/**
 * The body of a request, as it arrives; empty when it has none. Throws when the client goes away, or the
 * signal says to stop.
 * @throws RegistryError 408 when it comes too slowly
 */
export function bodyStream(
  { request, pace }: Pick<Call, 'request' | 'pace'>,
  options: AbortOptions = {},
): ByteStream {
  return pace.receive(request.body, options);
}

/** The `Content-Length` that the client gave; undefined when it gave none. */
export function bodyLength(request: Request): number | undefined {
  const header = request.headers.get('content-length');
  return header === null ? undefined : Number(header);
}

/**
 * The whole body of a request.
 * @throws RegistryError 413 when it has more than `limit` bytes, 408 when it comes too slowly
 */
export async function readBody(
  call: Pick<Call, 'request' | 'pace'>,
  limit: number,
): Promise<Uint8Array> {
  const tooLarge = () =>
    new RegistryError(413, 'SIZE_INVALID', { message: `the body is larger than ${limit} bytes` });
  if ((bodyLength(call.request) ?? 0) > limit) throw tooLarge();
  return readAll(bodyStream(call), { limit, tooLarge });
}
