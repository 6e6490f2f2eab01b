import type { AbortOptions } from '../content.ts';
import { discardBody, readStart } from '../http/body.ts';
import type { HttpRequest, Transport } from '../http/transport.ts';
import type { AuthOptions } from './auth-options.ts';
import { AuthSession } from './auth-session.ts';
import type { Endpoint } from './endpoint.ts';

/**
 * Answers the registry's challenges: Bearer with a token of its token server, else Basic. Nothing is
 * sent before the registry asks but what a request brings itself; from then on every request carries what
 * worked, and a token is replaced before it ends. The first request goes alone, so that many at once are
 * asked only once. A request that is refused is sent once more, with a new token, and once with another
 * login, where that ends and there is another. Requests to another origin pass through untouched. What is
 * still refused comes back as it is, with a note of why that may be.
 * @throws FinchError of `fetchToken` and of the keychain
 */
export function withAuth(transport: Transport, options: AuthOptions): Transport {
  const { endpoint } = options;
  const session = new AuthSession(transport, options);
  let first: Promise<void> | undefined;

  const send = async (request: HttpRequest, header: string | undefined): Promise<Response> => {
    const response = await transport(withHeader(request, header));
    if (header !== undefined && isFrom(endpoint, response)) session.hear(response, header);
    return response;
  };

  const exchange = async (request: HttpRequest, onHeader: () => void): Promise<Response> => {
    const { signal } = request;
    const used = (await session.header(request)) ?? request.headers?.['authorization'];
    const response = await send(request, used);
    const isAnswerable = response.status === 401 && isFrom(endpoint, response);
    const header = isAnswerable ? await session.answer(response, { used, signal }) : undefined;
    onHeader();
    if (header === undefined) return orRenewed(request, { response, used });
    await discardBody(response);
    return orRenewed(request, { response: await send(request, header), used: header });
  };

  /** The answer, or where it refuses a login that has ended, that to another. */
  const orRenewed = async (
    request: HttpRequest,
    { response, used }: { response: Response; used: string | undefined },
  ): Promise<Response> => {
    const isRefusal = response.status === 401 || response.status === 403;
    if (!isRefusal || used === undefined || !isFrom(endpoint, response)) return response;
    const { signal } = request;
    const why = () => startOf(response, { signal });
    const header = await session.renewed({ used, why, signal });
    if (header === undefined) return response;
    await discardBody(response);
    return send(request, header);
  };

  return async (request) => {
    if (!endpoint.owns(request.url)) return transport(request);
    if (first !== undefined) {
      await first;
      return exchange(request, () => {});
    }
    const known = Promise.withResolvers<void>();
    first = known.promise;
    return exchange(request, known.resolve).finally(known.resolve);
  };
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
