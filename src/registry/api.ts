import { discardBody } from '../http/body.ts';
import type { HttpRequest, Transport } from '../http/transport.ts';
import type { Endpoint } from './endpoint.ts';
import { type Refusal, readRefusal, refusalError } from './errors.ts';

/** One repository's part of a registry's API: what every request to it needs. */
export interface RepositoryApi {
  /** `host[:port]` as the user names it. */
  readonly registry: string;
  readonly name: string;
  readonly endpoint: Endpoint;
  /** Sends with redirects, retries and authorization taken care of. */
  readonly send: Transport;
}

/** The address of `path` below the repository. The name and the path hold only what needs no escape. */
export function repositoryUrl({ endpoint, name }: RepositoryApi, path: string): URL {
  return endpoint.url(`/v2/${name}/${path}`);
}

/**
 * Sends a request of which only some answers are good.
 * @throws FinchError of {@link refusalError} for any other status
 */
export async function call(
  api: RepositoryApi,
  request: HttpRequest,
  { good }: { good: readonly number[] },
): Promise<Response> {
  const response = await api.send(request);
  if (good.includes(response.status)) return response;
  throw refusalError(await refusalOf(api, request, response), api);
}

/** Why a request was refused. An answer to HEAD has no body, so the reason comes from the same GET. */
export async function refusalOf(
  api: RepositoryApi,
  request: HttpRequest,
  response: Response,
): Promise<Refusal> {
  if (request.method !== 'HEAD') return readRefusal(response);
  const refusal = await readRefusal(response);
  const again = await api.send({ ...request, method: 'GET' });
  if (again.status !== response.status) {
    await discardBody(again);
    return refusal;
  }
  return readRefusal(again);
}
