import { FinchError } from '../errors.ts';
import { readStart } from '../http/body.ts';
import { MAX_HOSTNAME } from '../http/distrust.ts';
import { networkCode } from '../http/failure.ts';
import { isLoopback } from '../http/loopback.ts';
import type { HttpRequest, Transport } from '../http/transport.ts';
import { quote } from '../text.ts';
import { certificateHint } from './errors.ts';
import type { RegistryMemory } from './memory/registry-memory.ts';
import { defaultSite, type Site } from './site.ts';

/** One way to speak to a registry. */
interface Route {
  readonly protocol: 'https:' | 'http:';
  readonly insecure: boolean;
}

const TLS: Route = { protocol: 'https:', insecure: false };
const UNVERIFIED_TLS: Route = { protocol: 'https:', insecure: true };
const PLAIN: Route = { protocol: 'http:', insecure: false };

/** What a server that speaks the other protocol, or none on this port, makes of a connection. */
const WRONG_ROUTE = new Set(['EPROTO', 'ECONNREFUSED', 'ECONNRESET']);

/** How Go, nginx and Apache tell a client that it forgot TLS. */
const FORGOT_TLS = /HTTPS (?:server|port)|SSL-enabled server port/i;

/** What is known of the host that an {@link Endpoint} is at. */
export interface EndpointOptions {
  /** Whether the user said that the registry's certificate, or a missing one, is fine. */
  readonly insecure?: boolean | undefined;
  /** Which host it is, and how it is spoken to. Default: {@link defaultSite}. */
  readonly site?: Site | undefined;
  /** Knows which of two ways was right before, where there is a choice. Default: nothing is known. */
  readonly memory?: Pick<RegistryMemory, 'traits' | 'learn'> | undefined;
}

/**
 * The address of a registry's API. Loopback hosts speak plain HTTP, or TLS when that is what answers;
 * all others speak TLS, if their site does not say how. A host that the user called insecure is asked
 * over TLS without looking at its certificate, and over plain HTTP where there is no TLS. What worked
 * first is kept.
 */
export class Endpoint {
  /** `host[:port]` of the API: Docker Hub's is not the name that users know. */
  readonly host: string;
  readonly #site: Site;
  readonly #memory: EndpointOptions['memory'];
  /** Its own, over TLS and without. */
  readonly #origins: ReadonlySet<string>;
  #routes: readonly Route[];
  #first: Promise<void> | undefined;
  /** Whether it is known that a server for TLS is there. */
  #hasTls: boolean;

  /** @throws FinchError `REFERENCE_INVALID` when no address can have this host or port */
  constructor(
    registry: string,
    { insecure = false, site = defaultSite(registry), memory }: EndpointOptions = {},
  ) {
    this.#site = site;
    this.#memory = memory;
    this.#hasTls = site.protocol === 'https:' || site.tls !== undefined;
    this.host = site.host;
    // Names of images allow more: ports above 65535, numbers that are no IP address.
    const url = URL.parse(`https://${this.host}`);
    if (url === null || url.hostname.length > MAX_HOSTNAME) {
      throw new FinchError('REFERENCE_INVALID', `${quote(registry)} is no address of a registry`, {
        hint: 'check the spelling of the host, and its port, which is 65535 at most',
      });
    }
    const plain = new URL(`http://${this.host}`);
    this.#origins = new Set([url.origin, plain.origin]);
    this.#routes = routesTo(site, { insecure, spokeTls: memory?.traits(site.host).tls ?? false });
  }

  get #route(): Route {
    return this.#routes[0] ?? TLS;
  }

  /** Whether requests go over TLS, as far as is known by now. */
  get usesTls(): boolean {
    return this.#route.protocol === 'https:';
  }

  /** Whether an address is on the host that the user called insecure. */
  skipsVerification(url: URL): boolean {
    return this.#routes.some(({ insecure }) => insecure) && url.hostname === this.url('').hostname;
  }

  /** The address of a path below the root of the API, for example `/app/tags/list`. */
  api(path: string): URL {
    const { root, namespace } = this.#site;
    const url = this.url(`${root}${path}`);
    if (namespace !== undefined) url.searchParams.set('ns', namespace);
    return url;
  }

  /** The address of a path with its query. */
  url(path: string): URL {
    return new URL(`${this.#route.protocol}//${this.host}${path}`);
  }

  /**
   * Whether an address is of this registry. The scheme does not matter: a registry behind a proxy often
   * believes that it speaks plain HTTP. What is sent always takes the endpoint's own scheme.
   */
  owns(url: URL): boolean {
    // A `blob:` address has the origin of what made it.
    const isHttp = url.protocol === 'https:' || url.protocol === 'http:';
    return isHttp && this.#origins.has(url.origin);
  }

  /**
   * `transport` for requests to anywhere, of which those to this registry take its scheme, and what its
   * site says they carry. Its authorities are also asked about others that it sends us to, such as its
   * token server. While there is a choice of schemes, one request tries it and the others wait for it.
   */
  over(transport: Transport): Transport {
    return async (request) => {
      if (!this.owns(request.url)) return transport(this.#elsewhere(request));
      while (this.#routes.length > 1) {
        if (this.#first === undefined) return this.#settle(transport, request);
        await this.#first;
      }
      return transport(this.#along(this.#route, request)).catch((error: unknown) => {
        throw this.#explain(error);
      });
    };
  }

  async #settle(transport: Transport, request: HttpRequest): Promise<Response> {
    const settled = Promise.withResolvers<void>();
    this.#first = settled.promise;
    try {
      return await this.#tryRoutes(transport, request);
    } finally {
      this.#first = undefined;
      settled.resolve();
    }
  }

  async #tryRoutes(transport: Transport, request: HttpRequest): Promise<Response> {
    let failure: unknown;
    let plain: Response | undefined;
    for (const route of this.#routes) {
      try {
        const response = await transport(this.#along(route, request));
        if (route === PLAIN && this.#routes.length > 1 && response.status === 400) {
          plain = response;
          // What answers a HEAD has no words: to try TLS takes no longer than to ask for them.
          if (request.method === 'HEAD') continue;
          this.#hasTls = await this.#forgotTls(transport, { request, response });
          if (this.#hasTls) continue;
        }
        return this.#settleOn(route, response);
      } catch (error) {
        if (!WRONG_ROUTE.has(networkCode(error) ?? '')) throw this.#explain(error);
        failure ??= error;
      }
    }
    if (plain !== undefined && !this.#hasTls) {
      this.#hasTls = await this.#forgotTls(transport, { request, response: plain });
      if (!this.#hasTls) return this.#settleOn(PLAIN, plain);
    }
    throw this.#explain(failure);
  }

  #settleOn(route: Route, response: Response): Response {
    if (this.#routes.length > 1 && !route.insecure) this.#remember(route);
    this.#routes = [route];
    return response;
  }

  #remember({ protocol }: Route): void {
    const tls = protocol === 'https:';
    const before = this.#memory?.traits(this.host).tls ?? false;
    if (tls !== before) this.#memory?.learn(this.host, { tls });
  }

  /** A server that is known to speak TLS, and breaks the handshake off, did not like our side of it. */
  #explain(error: unknown): unknown {
    if (!this.#hasTls || networkCode(error) !== 'EPROTO') return error;
    const { name, protocol, tls } = this.#site;
    // A certificate in its folder is all that says so, and may have been left there.
    const isGuess = protocol === undefined && tls !== undefined;
    const plain = `; if it speaks plain HTTP, name it http://${this.host} in the hosts.toml there`;
    return new FinchError('NETWORK', `${this.host} broke off the TLS handshake`, {
      hint: `${certificateHint(name)}${isGuess ? plain : ''}`,
      cause: error,
    });
  }

  #along(route: Route, request: HttpRequest): HttpRequest {
    const { pathname, search } = request.url;
    const url = new URL(`${route.protocol}//${this.host}${pathname}${search}`);
    const { headers, tls, patienceMs } = this.#site;
    return {
      ...request,
      ...{ url, insecure: route.insecure, headers: { ...headers, ...request.headers } },
      ...(tls && { tls }),
      ...(patienceMs !== undefined && { patienceMs }),
    };
  }

  #elsewhere(request: HttpRequest): HttpRequest {
    const { ca } = this.#site.tls ?? {};
    return ca === undefined ? request : { ...request, tls: { ca } };
  }

  /** Whether a plain answer comes from a server that wanted TLS. After a HEAD only a GET can tell. */
  async #forgotTls(
    transport: Transport,
    { request, response }: { request: HttpRequest; response: Response },
  ): Promise<boolean> {
    const { signal } = request;
    const answer =
      request.method === 'HEAD'
        ? await transport(this.#along(PLAIN, { method: 'GET', url: this.api('/'), signal }))
        : response.clone();
    const { bytes } = await readStart(answer, { limit: 1024, signal });
    return FORGOT_TLS.test(new TextDecoder().decode(bytes));
  }
}

/** How a site can be spoken to, the most likely way first. */
function routesTo(
  site: Site,
  { insecure, spokeTls }: { insecure: boolean; spokeTls: boolean },
): readonly Route[] {
  const { host, protocol, skipVerify, tls } = site;
  if (protocol === 'http:') return [PLAIN];
  if (insecure) return [UNVERIFIED_TLS, PLAIN];
  const encrypted = skipVerify ? UNVERIFIED_TLS : TLS;
  // Who has given it certificates expects TLS, and perhaps that nobody else reads the login.
  if (protocol === 'https:' || tls !== undefined || !isLoopback(host)) return [encrypted];
  return skipVerify || spokeTls ? [encrypted, PLAIN] : [PLAIN, TLS];
}
