import type { AbortOptions } from '../content.ts';
import { hasCode } from '../errors.ts';
import { discardBody, readStart } from '../http/body.ts';
import type { HttpRequest, Transport } from '../http/transport.ts';
import type { AuthOptions } from './auth-options.ts';
import { AuthSession } from './auth-session.ts';
import type { Endpoint } from './endpoint.ts';

/** Methods of requests that may take longer than a token lives. */
const WRITES: ReadonlySet<string> = new Set(['PUT', 'PATCH', 'POST']);

/**
 * Answers the registry's challenges: Bearer with a token of its token server, else Basic. Nothing is
 * sent before the registry asks but what a request brings itself; from then on every request carries what
 * worked, and a token is replaced before it ends. Where it is remembered how the registry asks, the first
 * request is sent as one that was asked, and does not keep others waiting; where it is refused, it is sent once more
 * as one that was not. The first request goes alone, so that
 * many at once are asked only once; but one that opens connections ahead goes beside it. A request that is refused is sent once more, with a new token, and once with another
 * login, where that ends and there is another. Requests to another origin pass through untouched. What is
 * still refused comes back as it is, with a note of why that may be.
 * @throws FinchError of `fetchToken` and of the keychain
 */
export function withAuth(transport: Transport, options: AuthOptions): Transport {
  const { endpoint, now = Date.now } = options;
  const session = new AuthSession(transport, options);
  let first: Promise<void> | undefined;
  let hasEntered = false;
  /** Why a login was refused that has never been good for anything: it is not shown again. */
  let refusal: unknown;

  const send = async (request: HttpRequest, header: string | undefined): Promise<Response> => {
    const response = await transport(withHeader(request, header));
    if (header !== undefined && isFrom(endpoint, response)) session.hear(response, header);
    if (header !== undefined && response.status !== 401) hasEntered = true;
    return response;
  };

  const answer: AuthSession['answer'] = async (response, asking) => {
    if (refusal !== undefined) throw refusal;
    try {
      return await session.answer(response, asking);
    } catch (error) {
      if (!hasEntered && hasCode(error, 'UNAUTHENTICATED', 'DENIED')) refusal = error;
      throw error;
    }
  };

  const exchange = async (request: HttpRequest, onHeader: () => void): Promise<Response> => {
    const { signal } = request;
    const since = now();
    const known = await session.header(request);
    if (known !== undefined) onHeader();
    const used = known ?? request.headers?.['authorization'];
    let response = await send(request, used);
    if (response.status === 401 && isFrom(endpoint, response) && session.drops(used)) {
      if (request.once) return noted(response);
      await discardBody(response);
      response = await send(request, undefined);
    }
    const isAnswerable = response.status === 401 && isFrom(endpoint, response);
    const header = isAnswerable ? await answer(response, { used, signal }) : undefined;
    onHeader();
    if (header === undefined) return orRenewed(request, { response, used, since });
    if (request.once) return noted(response);
    await discardBody(response);
    return orRenewed(request, { response: await send(request, header), used: header, since });
  };

  /** The answer, or where it refuses a login that has ended, that to another. */
  const orRenewed = async (
    request: HttpRequest,
    { response, used, since }: { response: Response; used: string | undefined; since: number },
  ): Promise<Response> => {
    const isRefusal = response.status === 401 || response.status === 403;
    if (!isRefusal || used === undefined || !isFrom(endpoint, response)) return response;
    const { signal } = request;
    const why = () => startOf(response, { signal });
    const mayOutlast = response.status === 403 && WRITES.has(request.method);
    const header =
      (await session.renewed({ used, why, signal })) ??
      (mayOutlast ? await session.afterDenial({ used, since, signal }) : undefined);
    if (header === undefined) return response;
    if (request.once) return noted(response);
    await discardBody(response);
    return send(request, header);
  };

  return async (request) => {
    if (!endpoint.owns(request.url)) return transport(request);
    if (first !== undefined) {
      // What opens connections opens its own at once.
      if (!request.ahead) await first;
      return exchange(request, () => {});
    }
    const known = Promise.withResolvers<void>();
    first = known.promise;
    return exchange(request, known.resolve).finally(known.resolve);
  };
}

/** Refusals for which there is a new token or login now. */
const renewed = new WeakSet<Response>();

/**
 * Whether an answer refuses a request that is not sent again blindly (`HttpRequest.once`), and the same would
 * go out with a new token or login now.
 */
export function wasRenewed(response: Response): boolean {
  return renewed.has(response);
}

function noted(response: Response): Response {
  renewed.add(response);
  return response;
}

/** What the body of a refusal begins with; it can still be read. */
async function startOf(response: Response, { signal }: AbortOptions): Promise<string> {
  const reading = readStart(response.clone(), { limit: 4096, stallMs: 1000, signal });
  return new TextDecoder().decode((await reading.catch(() => undefined))?.bytes);
}

/** After a redirect the answer may be of another server, whose challenges are none of our business. */
function isFrom(endpoint: Endpoint, { url }: Response): boolean {
  return URL.canParse(url) && endpoint.owns(new URL(url));
}

function withHeader(request: HttpRequest, authorization: string | undefined): HttpRequest {
  if (authorization === undefined) return request;
  return { ...request, headers: { ...request.headers, authorization } };
}
