import type { AbortOptions, Content } from '../../content.ts';
import { FinchError } from '../../errors.ts';
import { discardBody } from '../../http/body.ts';
import { ASK_WHO_RUNS_IT } from '../../http/failure.ts';
import { receivedBytes } from '../../http/range.ts';
import type { Carrier, HttpRequest } from '../../http/transport.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { isGood, type RepositoryApi, refusalOf, STORED } from '../api.ts';
import { isOther } from '../blobs.ts';
import { bodyOf, goesAsFile } from './body.ts';
import { wrongDigest } from './damage.ts';
import { movedLocation, withDigest } from './location.ts';
import type { NextRequest } from './next-request.ts';
import { type Outcome, outcomeOf, outcomeOfError, type Standing } from './outcome.ts';
import type { Progress } from './progress.ts';
import type { Session } from './session.ts';

/** What {@link send} needs to know beside the session. */
export interface SendOptions extends AbortOptions {
  readonly descriptor: Descriptor;
  readonly content: Content;
  readonly next: NextRequest;
  readonly progress: Progress;
  readonly asStream: boolean;
  /** Who carries the request in place of this process: a file then. */
  readonly carrier?: Carrier | undefined;
  /** Whether the `Range` of the answer may be short of what was taken. */
  readonly hasStaleRange: boolean;
}

/**
 * Sends one request of an upload: a chunk, or that which closes it.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks
 * @throws FinchError when the content cannot be read, or the failure lasts
 */
export async function send(
  api: RepositoryApi,
  session: Session,
  { descriptor, content, next, progress, asStream, carrier, hasStaleRange, signal }: SendOptions,
): Promise<Outcome> {
  const { start, end, closes, hasRange } = next;
  const { location } = session;
  const url = closes ? withDigest(location, descriptor.digest) : location;
  const isFile = carrier !== undefined || goesAsFile(content, { url, asStream });
  const request: HttpRequest = {
    method: closes ? 'PUT' : 'PATCH',
    url,
    headers: {
      'content-type': 'application/octet-stream',
      ...(hasRange && { 'content-range': `${start}-${end - 1}` }),
    },
    body: () =>
      bodyOf(
        content,
        { start, end },
        { url, progress, asStream, isCarried: carrier !== undefined, signal },
      ),
    once: true,
    // It hashes all of it, also what came before.
    ...(closes && { workBytes: descriptor.size }),
    ...(carrier && { carrier }),
    idempotent: false,
    signal,
  };
  const response = await api.send(request).catch((error: unknown) => ({ error }));
  if (!(response instanceof Response)) return outcomeOfError(response.error, true);
  if (!isGood(response, STORED)) {
    return outcomeOf(response, { refusal: await refusalOf(api, request, response), api });
  }
  await discardBody(response);
  // Who answers before it has everything cannot have it.
  const isEarly = !isFile && progress.reached < end;
  if (closes) return closed(api, descriptor, { response, isEarly });
  const range = response.headers.get('range');
  const isWhole = hasStaleRange || range === null || receivedBytes(range) === end;
  if (!isWhole || isEarly) return keptPart(api);
  const { minChunkBytes } = session;
  return {
    kind: 'at',
    session: { location: movedLocation(api, response, location), offset: end, minChunkBytes },
  };
}

function closed(
  api: RepositoryApi,
  { digest }: Descriptor,
  { response, isEarly }: { readonly response: Response; readonly isEarly: boolean },
): Outcome {
  const named = response.headers.get('docker-content-digest');
  if (isOther(named, digest)) {
    const error = wrongDigest(api, digest);
    return { kind: 'mismatch', failure: { error, why: 'the registry has other bytes', wait: 0 } };
  }
  if (!isEarly && (response.status === 201 || named !== null)) return { kind: 'stored' };
  return { ...keptPart(api), isClaimed: true };
}

function keptPart({ registry }: RepositoryApi): Standing & { readonly kind: 'unsure' } {
  const error = new FinchError(
    'REGISTRY',
    `registry ${registry} keeps only part of what it takes`,
    {
      hint: ASK_WHO_RUNS_IT,
    },
  );
  return { kind: 'unsure', failure: { error, why: 'the registry has a problem', wait: 0 } };
}
