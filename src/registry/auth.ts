import type { AbortOptions } from '../content.ts';
import type { Credential } from '../credentials/credential.ts';
import { discardBody } from '../http/body.ts';
import { type Challenge, parseChallenges } from '../http/challenge.ts';
import type { HttpRequest, Transport } from '../http/transport.ts';
import type { Endpoint } from './endpoint.ts';
import { mergeScopes } from './scope.ts';
import { basicHeader, fetchToken, type Token } from './token.ts';

/** Who asks, and for what. */
export interface AuthOptions {
  readonly registry: string;
  readonly endpoint: Endpoint;
  /** Asked once, when the registry first wants to know. */
  readonly credential: (options: AbortOptions) => Promise<Credential | undefined>;
  /** Asked for with every token, before what the registry names. */
  readonly scopes?: readonly string[];
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/**
 * Answers the registry's challenges: Bearer with a token of its token server, else Basic. Nothing is
 * sent before the registry asks; from then on every request carries what worked, and a token is
 * replaced before it ends. The first request goes alone, so that many at once are asked only once.
 * Requests to another origin pass through untouched. What is still refused comes back as it is: 401.
 * @throws FinchError of {@link fetchToken} and of the keychain
 */
export function withAuth(transport: Transport, options: AuthOptions): Transport {
  const { endpoint } = options;
  const session = new AuthSession(transport, options);
  let first: Promise<void> | undefined;

  const exchange = async (request: HttpRequest, onHeader: () => void): Promise<Response> => {
    const used = await session.header(request);
    const response = await transport(withHeader(request, used));
    if (response.status !== 401 || !isFrom(endpoint, response)) return response;
    const header = await session.answer(response, { used, signal: request.signal });
    onHeader();
    if (header === undefined) return response;
    await discardBody(response);
    return transport(withHeader(request, header));
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

/** After a redirect the answer may be of another server, whose challenges are none of our business. */
function isFrom(endpoint: Endpoint, { url }: Response): boolean {
  return URL.canParse(url) && endpoint.owns(new URL(url));
}

function withHeader(request: HttpRequest, authorization: string | undefined): HttpRequest {
  if (authorization === undefined) return request;
  return { ...request, headers: { ...request.headers, authorization } };
}

/** What the registry wants to see, once it has said so. */
type Way =
  | { readonly kind: 'basic'; readonly header: string }
  | { readonly kind: 'bearer'; readonly realm: string; readonly service: string | undefined };

class AuthSession {
  readonly #transport: Transport;
  readonly #options: AuthOptions;
  #way: Way | undefined;
  #scopes: readonly string[];
  #token: Token | undefined;
  #fetching: { readonly key: string; readonly token: Promise<Token> } | undefined;
  #credential: Promise<Credential | undefined> | undefined;

  constructor(transport: Transport, options: AuthOptions) {
    this.#transport = transport;
    this.#options = options;
    this.#scopes = options.scopes ?? [];
  }

  /** What a request sends without being asked. */
  async header(options: AbortOptions): Promise<string | undefined> {
    const way = this.#way;
    if (way?.kind !== 'bearer') return way?.header;
    const { now = Date.now } = this.#options;
    const isFresh = this.#token !== undefined && now() < this.#token.renewAt;
    if (!isFresh) this.#token = await this.#fetch(way, options);
    return this.#current();
  }

  /** What to send after a 401, or undefined when there is nothing better than what was `used`. */
  async answer(
    response: Response,
    { used, signal }: AbortOptions & { used: string | undefined },
  ): Promise<string | undefined> {
    const challenges = parseChallenges(response.headers.get('www-authenticate') ?? '');
    const bearer = challenges.find(({ scheme, params }) => scheme === 'bearer' && params['realm']);
    if (bearer !== undefined) return this.#answerBearer(bearer, { used, signal });
    if (!challenges.some(({ scheme }) => scheme === 'basic')) return undefined;
    const credential = await this.#whoAmI({ signal });
    if (credential === undefined) return undefined;
    const { authorization: header } = basicHeader(credential);
    if (header === used) return undefined;
    this.#way = { kind: 'basic', header };
    return header;
  }

  async #answerBearer(
    { params }: Challenge,
    { used, signal }: AbortOptions & { used: string | undefined },
  ): Promise<string | undefined> {
    const way = {
      kind: 'bearer',
      realm: params['realm'] ?? '',
      service: params['service'],
    } as const;
    const scopes = mergeScopes(this.#scopes, (params['scope'] ?? '').split(' '));
    const isMore = scopes.join(' ') !== this.#scopes.join(' ');
    const current = this.#current();
    // Another request has been here in the meantime and may have what this one needs.
    if (!isMore && current !== undefined && current !== used) return current;
    this.#scopes = scopes;
    this.#way = way;
    this.#token = await this.#fetch(way, { signal });
    return this.#current();
  }

  #current(): string | undefined {
    if (this.#way?.kind === 'basic') return this.#way.header;
    return this.#token && `Bearer ${this.#token.value}`;
  }

  /** One token request at a time for the same thing; whoever wants it too waits for the same answer. */
  async #fetch(way: Way & { kind: 'bearer' }, { signal }: AbortOptions): Promise<Token> {
    const { registry, endpoint, now } = this.#options;
    const { realm, service } = way;
    const scopes = this.#scopes;
    const key = JSON.stringify([realm, service, scopes]);
    if (this.#fetching?.key === key) return this.#fetching.token;
    const credential = await this.#whoAmI({ signal });
    if (this.#fetching?.key === key) return this.#fetching.token;
    const token = fetchToken(
      this.#transport,
      { realm, service, scopes },
      { registry, endpoint, credential, signal, now },
    );
    const fetching = { key, token };
    this.#fetching = fetching;
    try {
      return await token;
    } finally {
      if (this.#fetching === fetching) this.#fetching = undefined;
    }
  }

  #whoAmI(options: AbortOptions): Promise<Credential | undefined> {
    this.#credential ??= this.#options.credential(options);
    return this.#credential;
  }
}
