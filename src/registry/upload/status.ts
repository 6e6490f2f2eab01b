import type { AbortOptions } from '../../content.ts';
import { discardBody } from '../../http/body.ts';
import { receivedBytes } from '../../http/range.ts';
import { isGood, type RepositoryApi, refusalOf } from '../api.ts';
import { movedLocation } from './location.ts';
import { outcomeOf, outcomeOfError, type Standing } from './outcome.ts';
import type { Session } from './session.ts';

/** What is known of an upload before its status is. */
export interface StatusOptions extends AbortOptions {
  /** More than this many bytes cannot have been sent. */
  readonly sentTo: number;
  /** Whether the answer may be short of what the registry has accepted. */
  readonly hasStaleRange: boolean;
}

/** What {@link askStatus} found; `silent` when the registry tells nothing of uploads. */
export type Status = Standing | { readonly kind: 'silent' };

/**
 * Asks how much of an upload the registry has. An answer that cannot be true, or says nothing, means that
 * the session is of no use any more.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks
 */
export async function askStatus(
  api: RepositoryApi,
  session: Session,
  { sentTo, hasStaleRange, signal }: StatusOptions,
): Promise<Status> {
  const request = { method: 'GET', url: session.location, idempotent: false, signal } as const;
  const response = await api.send(request).catch((error: unknown) => ({ error }));
  if (!(response instanceof Response)) return outcomeOfError(response.error, true);
  if (!isGood(response, [200, 202, 204])) {
    const refusal = await refusalOf(api, request, response);
    const outcome = outcomeOf(response, { refusal, api });
    if (outcome.kind === 'unsure') return outcome;
    return { kind: outcome.kind === 'refused' && outcome.isUnsupported ? 'silent' : 'lost' };
  }
  await discardBody(response);
  const told = receivedBytes(response.headers.get('range'));
  const received = hasStaleRange ? Math.max(told ?? 0, session.offset) : told;
  if (received === undefined || received > sentTo) return { kind: 'lost' };
  const { minChunkBytes } = session;
  const location = movedLocation(api, response, session.location);
  return { kind: 'at', session: { location, offset: received, minChunkBytes } };
}
