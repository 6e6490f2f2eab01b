import type { AbortOptions } from '../../content.ts';
import { readWhole } from '../../http/body.ts';
import { isPassing, networkCode } from '../../http/failure.ts';
import { isPassingStatus, pause } from '../../http/retry.ts';
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

/** How long after a broken answer the same is asked for once more. */
const PAUSE_MS = 100;

/** What a service said. */
interface MetadataAnswer {
  readonly status: number;
  readonly bytes: Uint8Array;
}

/**
 * Asks a service of the machine or the container, once more when it is busy or the connection breaks; never through a proxy,
 * where it would be another machine's. One that says nothing in time is not asked again.
 * @throws FinchError `NETWORK` when nothing comes in time, `REGISTRY` when too much does, `CANCELLED`
 */
export async function askMetadata(url: URL, request: MetadataRequest): Promise<MetadataAnswer> {
  try {
    const answer = await askOnce(url, request);
    if (!isPassingStatus(answer.status)) return answer;
  } catch (error) {
    if (!isPassing(error) || networkCode(error) === 'ETIMEDOUT') throw error;
  }
  await pause(PAUSE_MS, { signal: request.signal });
  return await askOnce(url, request);
}

async function askOnce(
  url: URL,
  { method = 'GET', headers, patienceMs, trace, authorities, signal }: MetadataRequest,
): Promise<MetadataAnswer> {
  const send = withTrace(sendRequest, { trace: (line) => trace(line()) });
  const response = await send({
    ...{ method, url, patienceMs },
    ...(headers && { headers }),
    ...(authorities && { tls: { ca: authorities } }),
    ...(signal && { signal }),
  });
  const reading = { limit: MAX_BYTES, stallMs: patienceMs, ...(signal && { signal }) };
  return { status: response.status, bytes: await readWhole(response, reading) };
}
