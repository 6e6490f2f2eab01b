import { discardBody } from '../http/body.ts';
import { isPassingStatus } from '../http/retry.ts';
import type { HttpRequest, Transport } from '../http/transport.ts';
import type { Endpoint } from './endpoint.ts';
import { isWebPage, type Refusal, readRefusal, refusalError } from './errors.ts';
import type { Access } from './scope.ts';

/** Statuses of a registry that has stored what it was sent: Amazon ECR says 201 to a chunk. */
export const STORED: readonly number[] = [200, 201, 202, 204];

/** One repository's part of a registry's API: what every request to it needs. */
export interface RepositoryApi {
  /** `host[:port]` as the user names it. */
  readonly registry: string;
  readonly name: string;
  /** What is done with it. */
  readonly access: Access;
  readonly endpoint: Endpoint;
  /** Sends with redirects, retries and authorization taken care of. */
  readonly send: Transport;
}

/** The address of `path` below the repository. The name and the path hold only what needs no escape. */
export function repositoryUrl({ endpoint, name }: RepositoryApi, path: string): URL {
  return endpoint.api(`/${name}/${path}`);
}

/** Whether an answer is one that was hoped for; a web page is none, whatever its status says. */
export function isGood(response: Response, good: readonly number[]): boolean {
  return good.includes(response.status) && !(response.ok && isWebPage(response));
}

/** Which answers are good. */
interface CallOptions {
  readonly good: readonly number[];
  /** A blob may be a web page: its digest decides. */
  readonly isBlob?: boolean;
}

/**
 * Sends a request of which only some answers are good.
 * @throws FinchError of {@link refusalError} for any other status
 */
export async function call(
  api: RepositoryApi,
  request: HttpRequest,
  options: CallOptions,
): Promise<Response> {
  const answer = await ask(api, request, options);
  if (answer instanceof Response) return answer;
  throw refusalError(answer, api);
}

/** {@link call}; any other answer than a good one is given as what it says. */
export async function ask(
  api: RepositoryApi,
  request: HttpRequest,
  { good, isBlob = false }: CallOptions,
): Promise<Response | Refusal> {
  const response = await api.send(request);
  if (isBlob ? good.includes(response.status) : isGood(response, good)) return response;
  const reason = await reasonOf(api, request, response);
  if (reason !== undefined) return reason;
  // Only the reason may have told that the login has ended, and brought another.
  const again = await api.send(request);
  if (isGood(again, good)) return again;
  return readRefusal(again, { ...api, signal: request.signal });
}

/**
 * Why a request was refused. An answer to HEAD has no body, so the reason comes from the same GET,
 * unless the registry is too busy to be asked again.
 */
export async function refusalOf(
  api: RepositoryApi,
  request: HttpRequest,
  response: Response,
): Promise<Refusal> {
  const { signal } = request;
  return (await reasonOf(api, request, response)) ?? readRefusal(response, { ...api, signal });
}

/** {@link refusalOf}; undefined where the same GET is answered otherwise. */
async function reasonOf(
  api: RepositoryApi,
  request: HttpRequest,
  response: Response,
): Promise<Refusal | undefined> {
  const { endpoint } = api;
  const { signal } = request;
  if (request.method !== 'HEAD' || response.ok || isPassingStatus(response.status)) {
    return readRefusal(response, { endpoint, signal });
  }
  const again = await api.send({ ...request, method: 'GET' });
  if (again.status === response.status) return readRefusal(again, { endpoint, signal });
  await discardBody(again);
  return undefined;
}
