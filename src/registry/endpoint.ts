import { FinchError } from '../errors.ts';
import { readStart } from '../http/body.ts';
import { MAX_HOSTNAME } from '../http/distrust.ts';
import { networkCode } from '../http/failure.ts';
import { isLoopback } from '../http/loopback.ts';
import type { HttpRequest, Transport } from '../http/transport.ts';
import { DEFAULT_REGISTRY } from '../oci/reference.ts';
import { quote } from '../text.ts';

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

/**
 * The address of a registry's API. Loopback hosts speak plain HTTP, or TLS when that is what answers;
 * all others speak TLS. A host that the user called insecure is asked over TLS without looking at its
 * certificate, and over plain HTTP where there is no TLS. What worked first is kept.
 */
export class Endpoint {
  /** `host[:port]` of the API: Docker Hub's is not the name that users know. */
  readonly host: string;
  #routes: readonly Route[];
  #first: Promise<void> | undefined;

  /** @throws FinchError `REFERENCE_INVALID` when no address can have this host or port */
  constructor(registry: string, { insecure = false }: { insecure?: boolean | undefined } = {}) {
    this.host = registry === DEFAULT_REGISTRY ? 'registry-1.docker.io' : registry;
    // Names of images allow more: ports above 65535, numbers that are no IP address.
    const url = URL.parse(`https://${this.host}`);
    if (url === null || url.hostname.length > MAX_HOSTNAME) {
      throw new FinchError('REFERENCE_INVALID', `${quote(registry)} is no address of a registry`, {
        hint: 'check the spelling of the host, and its port, which is 65535 at most',
      });
    }
    if (insecure) this.#routes = [UNVERIFIED_TLS, PLAIN];
    else this.#routes = isLoopback(this.host) ? [PLAIN, TLS] : [TLS];
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

  /** The address of a path with its query. */
  url(path: string): URL {
    return new URL(`${this.#route.protocol}//${this.host}${path}`);
  }

  /**
   * Whether an address is of this registry. The scheme does not matter: a registry behind a proxy often
   * believes that it speaks plain HTTP. What is sent always takes the endpoint's own scheme.
   */
  owns(url: URL): boolean {
    // The origin of any other scheme is the same as that of every other host.
    if (url.protocol !== 'https:' && url.protocol !== 'http:') return false;
    return url.origin === new URL(`${url.protocol}//${this.host}`).origin;
  }

  /**
   * `transport` for requests to anywhere, of which those to this registry take its scheme. While there
   * is a choice, one request tries it and the others wait for it.
   */
  over(transport: Transport): Transport {
    return async (request) => {
      if (!this.owns(request.url)) return transport(request);
      while (this.#routes.length > 1) {
        if (this.#first === undefined) return this.#settle(transport, request);
        await this.#first;
      }
      return transport(this.#along(this.#route, request));
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
    for (const route of this.#routes) {
      try {
        const response = await transport(this.#along(route, request));
        if (route === PLAIN && this.#routes.includes(TLS)) {
          if (await this.#forgotTls(transport, { request, response })) continue;
        }
        this.#routes = [route];
        return response;
      } catch (error) {
        if (!WRONG_ROUTE.has(networkCode(error) ?? '')) throw error;
        failure ??= error;
      }
    }
    throw failure;
  }

  #along(route: Route, request: HttpRequest): HttpRequest {
    const { pathname, search } = request.url;
    const url = new URL(`${route.protocol}//${this.host}${pathname}${search}`);
    return { ...request, url, insecure: route.insecure };
  }

  /** Whether a plain answer comes from a server that wanted TLS. After a HEAD only a GET can tell. */
  async #forgotTls(
    transport: Transport,
    { request, response }: { request: HttpRequest; response: Response },
  ): Promise<boolean> {
    if (response.status !== 400) return false;
    const { signal } = request;
    const answer =
      request.method === 'HEAD'
        ? await transport(this.#along(PLAIN, { method: 'GET', url: this.url('/v2/'), signal }))
        : response.clone();
    const { bytes } = await readStart(answer, { limit: 1024, signal });
    return FORGOT_TLS.test(new TextDecoder().decode(bytes));
  }
}
