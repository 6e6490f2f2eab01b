import { fetch as undiciFetch } from 'undici';
import type { AbortOptions } from '../content.ts';
import { transportError } from './failure.ts';
import { firstToConnect } from './first-to-connect.ts';
import { isLoopback } from './loopback.ts';
import type { Pauses } from './pauses.ts';
import { type ProxyServer, wantsProxyLogin } from './proxy.ts';
import { hideAuthorization } from './redact.ts';
import { assertSendable } from './sendable.ts';
import { type TlsSettings, tlsOptions } from './tls-options.ts';
import { Watchdog } from './watchdog.ts';

/** One HTTP request. Redirects are not followed and nothing is retried below {@link Transport}. */
export interface HttpRequest extends AbortOptions {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Called once for each time the request is sent, so that a layer above can send it again. */
  readonly body?: () => HttpBody;
  /** Turns off the checks of the server's certificate, for a host that the user named. */
  readonly insecure?: boolean;
  readonly tls?: TlsSettings;
  /**
   * Looks up the host and judges its addresses: the connection goes to that which takes one first. Each is
   * an IP address as the host of a {@link URL}. Not asked where a proxy connects.
   */
  readonly resolve?: () => Promise<readonly string[]>;
  /** Called with the address among those of `resolve` to which the request goes. */
  readonly chosen?: (address: string) => void;
  /** Milliseconds for an answer to begin, where that is less than what others get. */
  readonly patienceMs?: number;
  /** Whether sending it twice does what sending it once does. Default: for GET, HEAD and DELETE. */
  readonly idempotent?: boolean;
  /** What the pauses between attempts are taken from, shared by all requests of one piece of work. */
  readonly pauses?: Pauses;
}

/** What can be sent: bytes, a run of a file, or a stream of known length. */
export type HttpBody =
  | { readonly bytes: Uint8Array }
  | { readonly file: { readonly path: string; readonly start: number; readonly end: number } }
  | { readonly stream: AsyncIterable<Uint8Array>; readonly length: number };

/**
 * Sends one request and gives the answer with its body still to be read, whatever its status.
 * @throws FinchError `NETWORK` when there was no answer, `CANCELLED` when `signal` fired
 */
export type Transport = (request: HttpRequest) => Promise<Response>;

/** How long a server may take to begin its answer, and how long a piece of a body may take to go out. */
const PATIENCE_MS = 120_000;

/** A registry hashes what it was sent before it answers: no slower than this, in bytes per millisecond. */
const SERVER_BYTES_PER_MS = 20_000;

/** The slowest link on which a body is sent that tells no progress, in bytes per millisecond. */
const LINK_BYTES_PER_MS = 64;

// Under Bun the bare specifier is the runtime's own client, which has these options and this answer;
// the package's types describe the client of Node.js.
const nativeFetch = undiciFetch as unknown as (
  url: string,
  init: BunFetchRequestInit & { timeout: false; decompress: false; proxy?: string | false },
) => Promise<Response>;

/** Options of {@link transportWith}. */
export interface TransportSettings {
  /** Milliseconds for an answer to begin, and for a piece of a body to go out. Default: two minutes. */
  readonly patienceMs?: number;
  /** The proxy that connects to an address. Default: none does. */
  readonly proxyFor?: (url: URL) => ProxyServer | undefined;
}

/**
 * The {@link Transport} of this machine: HTTP/1.1 with the system's certificate authorities and those of
 * `SSL_CERT_FILE` and `NODE_EXTRA_CA_CERTS`. Bodies come as the server sent them, never decompressed. A
 * server that stays silent for two minutes counts as no answer.
 */
export function transportWith(settings: TransportSettings = {}): Transport {
  const { patienceMs: most = PATIENCE_MS, proxyFor } = settings;
  return async (request) => {
    const patienceMs = Math.min(most, request.patienceMs ?? most);
    const proxy = proxyFor?.(request.url);
    const hosts = proxy === undefined ? await request.resolve?.() : undefined;
    if (hosts === undefined) return send(request, { patienceMs, proxy });
    const address = await addressAmong(hosts, request, { patienceMs });
    request.chosen?.(address);
    return send(request, { patienceMs, address });
  };
}

async function addressAmong(
  hosts: readonly string[],
  { url, signal }: HttpRequest,
  { patienceMs }: Way,
): Promise<string> {
  const [only] = hosts;
  if (only !== undefined && hosts.length === 1) return only;
  using watchdog = new Watchdog();
  watchdog.expect(patienceMs);
  const stop = signal ? AbortSignal.any([signal, watchdog.signal]) : watchdog.signal;
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
  try {
    return await firstToConnect(hosts, { port, signal: stop });
  } catch (error) {
    throw transportError(error, { host: url.host, signal });
  }
}

/** {@link transportWith} without a proxy. */
export const sendRequest: Transport = transportWith();

/** The way that one request takes. */
interface Way {
  readonly patienceMs: number;
  readonly proxy?: ProxyServer | undefined;
  readonly address?: string;
}

async function send(request: HttpRequest, { patienceMs, proxy, address }: Way): Promise<Response> {
  const { method, url, headers = {} } = request;
  const { authorization } = headers;
  if (authorization !== undefined) hideAuthorization(authorization);
  assertSendable(headers);
  using watchdog = new Watchdog();
  const signal = request.signal
    ? AbortSignal.any([request.signal, watchdog.signal])
    : watchdog.signal;
  watchdog.expect(patienceMs);
  const body = request.body && outgoing(request.body(), { url, watchdog, patienceMs });
  const tls = tlsOptions(request, { isPinned: address !== undefined });
  let response: Response;
  try {
    response = await nativeFetch(atAddress(url, address), {
      method,
      headers: {
        'accept-encoding': 'identity',
        ...headers,
        ...body?.headers,
        ...(address !== undefined && { host: url.host }),
      },
      ...(body && { body: body.init }),
      redirect: 'manual',
      decompress: false,
      timeout: false,
      signal,
      ...(tls && { tls }),
      proxy: proxy?.href ?? false,
    });
  } catch (error) {
    if (body?.failed.length) throw body.failed[0];
    throw transportError(error, { host: url.host, signal: request.signal, proxy });
  }
  if (proxy !== undefined && response.status === 407) {
    await response.body?.cancel();
    throw wantsProxyLogin(proxy);
  }
  // Whoever reads the answer compares where it came from with names, not with addresses.
  if (address !== undefined) Object.defineProperty(response, 'url', { value: url.href });
  return response;
}

function atAddress(url: URL, address: string | undefined): string {
  if (address === undefined) return url.href;
  const at = new URL(url);
  at.hostname = address;
  return at.href;
}

/** A body as fetch takes it. `failed` gets the error of a stream that broke on our side. */
interface Outgoing {
  readonly init: BunFetchRequestInit['body'];
  readonly headers: Readonly<Record<string, string>>;
  readonly failed: unknown[];
}

function outgoing(
  body: HttpBody,
  { url, watchdog, patienceMs }: { url: URL; watchdog: Watchdog; patienceMs: number },
): Outgoing {
  const failed: unknown[] = [];
  if ('bytes' in body) {
    watchdog.expect(patienceMs + body.bytes.length / LINK_BYTES_PER_MS);
    return { init: body.bytes, headers: {}, failed };
  }
  if ('stream' in body) {
    const { stream, length } = body;
    const init = watched(stream, { length, watchdog, failed, patienceMs });
    return { init, headers: { 'content-length': String(length) }, failed };
  }
  const { path, start, end } = body.file;
  const length = end - start;
  const slice = Bun.file(path).slice(start, end);
  if (takesFiles(url)) {
    watchdog.expect(patienceMs + length / LINK_BYTES_PER_MS);
    return { init: slice, headers: {}, failed };
  }
  const init = watched(slice.stream(), { length, watchdog, failed, patienceMs });
  return { init, headers: { 'content-length': String(length) }, failed };
}

/**
 * Whether a file goes there by sendfile, which tells no progress: to this machine over plain HTTP, where
 * it is worth something (1.9 against 1.1 GiB/s). Over TLS a file body would be read whole into memory:
 * 2 GiB for a file of 1 GiB (Bun 1.4.5).
 */
export function takesFiles({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && isLoopback(hostname);
}

/** What {@link watched} tells, and whom. */
interface Watched {
  readonly length: number;
  readonly watchdog: Watchdog;
  readonly failed: unknown[];
  readonly patienceMs: number;
}

/** Passes the pieces on, gives the server time for each, and more for its answer after the last. */
async function* watched(
  stream: AsyncIterable<Uint8Array>,
  { length, watchdog, failed, patienceMs }: Watched,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of stream) {
      watchdog.expect(patienceMs);
      yield piece;
    }
  } catch (error) {
    failed.push(error);
    throw error;
  }
  watchdog.expect(patienceMs + length / SERVER_BYTES_PER_MS);
}
