import type { AbortOptions } from '../../content.ts';
import { readWhole } from '../../http/body.ts';
import { withTrace } from '../../http/trace.ts';
import { sendRequest } from '../../http/transport.ts';

/** How {@link askMetadata} asks. */
export interface MetadataRequest extends AbortOptions {
  readonly method?: 'GET' | 'PUT';
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds for the answer to begin, and again for the rest of it. */
  readonly patienceMs: number;
  readonly trace: (line: string) => void;
  /** Certificate authorities as PEM. */
  readonly authorities?: readonly string[] | undefined;
}

/** The most bytes of an answer. */
const MAX_BYTES = 64 * 1024;

/**
 * Asks a service of the machine or the container: once, and never through a proxy, where it would be another machine's.
 * @throws FinchError `NETWORK` when nothing comes in time, `REGISTRY` when too much does, `CANCELLED`
 */
export async function askMetadata(
  url: URL,
  { method = 'GET', headers, patienceMs, trace, authorities, signal }: MetadataRequest,
): Promise<{ readonly status: number; readonly bytes: Uint8Array }> {
  const send = withTrace(sendRequest, { trace });
  const response = await send({
    ...{ method, url, patienceMs },
    ...(headers && { headers }),
    ...(authorities && { tls: { ca: authorities } }),
    ...(signal && { signal }),
  });
  const reading = { limit: MAX_BYTES, stallMs: patienceMs, ...(signal && { signal }) };
  return { status: response.status, bytes: await readWhole(response, reading) };
}
