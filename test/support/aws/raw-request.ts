import type { IncomingMessage } from 'node:http';

/** A request as it came over the wire. */
export interface RawRequest {
  readonly method: string;
  /** Path and query as in the request's first line. */
  readonly target: string;
  /** In their order, names as they were written. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
}

/** No request of the control plane is as long. */
const MAX_BODY_BYTES = 1024 * 1024;

/** Reads a whole request. */
export async function readRaw(message: IncomingMessage): Promise<RawRequest> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of message as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > MAX_BODY_BYTES) throw new Error('a request for the control plane is too long');
    pieces.push(piece);
  }
  const { rawHeaders, method = '', url = '' } = message;
  const headers = rawHeaders.flatMap((name, at) =>
    at % 2 === 0 ? [[name, rawHeaders[at + 1] ?? ''] as const] : [],
  );
  return { method, target: url, headers, body: Buffer.concat(pieces) };
}

/** Every value of a header, in order. */
export function headerValues({ headers }: RawRequest, name: string): readonly string[] {
  return headers.filter(([it]) => it.toLowerCase() === name).map(([, value]) => value);
}

/** The value of a header that stands there once. */
export function header(request: RawRequest, name: string): string | undefined {
  const values = headerValues(request, name);
  return values.length === 1 ? values[0] : undefined;
}
