import type { AbortOptions, Content, ReadOptions } from '../content.ts';
import { FinchError, hasCode } from '../errors.ts';
import { readBody } from '../http/body.ts';
import { ASK_WHO_RUNS_IT } from '../http/failure.ts';
import type { Pauses } from '../http/pauses.ts';
import { contentRangeStart } from '../http/range.ts';
import { pause, type RetryOptions, waitAfter } from '../http/retry.ts';
import type { HttpRequest } from '../http/transport.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { type Digest, digestParts, isDigest } from '../oci/digest.ts';
import { call, type RepositoryApi, repositoryUrl } from './api.ts';

/** Times that a broken download is taken up again with next to nothing in between. */
const MAX_STALLS = 4;

/** What must come between two breaks to count as something: a byte each time would be endless. */
const LEAST_PROGRESS = 64 * 1024;

/**
 * Whether the repository has a blob; false too where the registry answers no such question, or has
 * something of another size or digest.
 */
export async function hasBlob(
  api: RepositoryApi,
  { digest, size }: Descriptor,
  { signal, pauses }: AbortOptions & { pauses?: Pauses } = {},
): Promise<boolean> {
  const url = repositoryUrl(api, `blobs/${digest}`);
  const request = { method: 'HEAD', url, signal, ...(pauses && { pauses }) } as const;
  const response = await call(api, request, { good: [200, 404, 405, 501] });
  const length = Number(response.headers.get('content-length') ?? 0);
  const named = response.headers.get('docker-content-digest');
  // Some registries say 0 to every HEAD.
  return response.status === 200 && (length === 0 || length === size) && !isOther(named, digest);
}

/** Whether an answer names another digest. A registry may name content by one of another algorithm. */
export function isOther(named: string | null, digest: Digest): boolean {
  const { algorithm } = digestParts(digest);
  return named !== digest && isDigest(named) && digestParts(named).algorithm === algorithm;
}

/**
 * A blob, whose download from `start` has begun when the promise settles. A connection that breaks is
 * taken up again where it broke. Not verified: whoever keeps the bytes compares their digest.
 * @throws FinchError `REMOTE_NOT_FOUND` when it is not there, `CONTENT_MISMATCH` when it has another size
 */
export async function openBlob(
  api: RepositoryApi,
  descriptor: Descriptor,
  { signal, start: from = 0, retry = {} }: ReadOptions & { retry?: RetryOptions } = {},
): Promise<Content> {
  const { size } = descriptor;
  let begun: Download | undefined = await download(api, descriptor, { start: from, signal });

  const take = async (start: number, options: AbortOptions): Promise<Download> => {
    const ready = begun;
    if (start !== from || ready === undefined)
      return download(api, descriptor, { start, ...options });
    begun = undefined;
    return ready;
  };

  return {
    size,
    async *stream({ start = 0, signal: streamSignal }: ReadOptions = {}) {
      let at = start;
      for (let stalls = 0; at < size; stalls += 1) {
        const before = at;
        const { response, first } = await take(at, { signal: streamSignal });
        try {
          let position = first;
          for await (const piece of readBody(response, { signal: streamSignal })) {
            const known = Math.min(piece.length, at - position);
            position += piece.length;
            if (position > size) throw wrongSize(api, descriptor);
            at = Math.max(at, position);
            if (known < piece.length) yield piece.subarray(known);
          }
          if (at < size) throw wrongSize(api, descriptor);
        } catch (error) {
          if (at >= before + LEAST_PROGRESS) stalls = 0;
          const wait = stalls < MAX_STALLS ? waitAfter({ error }, stalls, retry) : undefined;
          if (wait === undefined) throw error;
          await pause(wait, { ...retry, signal: streamSignal });
        }
      }
    },
  };
}

/** An answer that brings the blob from the byte `first` on. */
interface Download {
  readonly response: Response;
  readonly first: number;
}

/** Asks for the blob from `start` on; a registry that knows no ranges begins at 0 all the same. */
async function download(
  api: RepositoryApi,
  descriptor: Descriptor,
  { start, signal }: AbortOptions & { start: number },
): Promise<Download> {
  const request: HttpRequest = {
    method: 'GET',
    url: repositoryUrl(api, `blobs/${descriptor.digest}`),
    signal,
    ...(start > 0 && { headers: { range: `bytes=${start}-` } }),
  };
  const response = await openResponse(api, request, descriptor);
  const { status, headers } = response;
  const first = status === 206 ? contentRangeStart(headers.get('content-range')) : 0;
  const length = headers.get('content-length');
  const isWhole =
    first !== undefined &&
    first <= start &&
    (length === null || first + Number(length) === descriptor.size);
  if (isWhole) return { response, first };
  response.body?.cancel().catch(() => {});
  throw wrongSize(api, descriptor);
}

async function openResponse(
  api: RepositoryApi,
  request: HttpRequest,
  { digest }: Descriptor,
): Promise<Response> {
  try {
    return await call(api, request, { good: [200, 206], isBlob: true });
  } catch (error) {
    if (!hasCode(error, 'REMOTE_NOT_FOUND')) throw error;
    const message = `${api.registry}/${api.name} has no blob ${digest}`;
    const hint = 'the image there may be incomplete; push it again';
    throw new FinchError('REMOTE_NOT_FOUND', message, { hint, cause: error });
  }
}

function wrongSize({ registry }: RepositoryApi, { digest, size }: Descriptor): FinchError {
  const message = `registry ${registry} sent blob ${digest} with another size than ${size} bytes`;
  return new FinchError('CONTENT_MISMATCH', message, { hint: ASK_WHO_RUNS_IT });
}
