import { fetch as undiciFetch } from 'undici';
import type { AbortOptions } from '../content.ts';
import { readRange } from '../streams/file-stream.ts';
import { transportError } from './failure.ts';
import { firstToConnect } from './first-to-connect.ts';
import { isLoopback } from './loopback.ts';
import { LEAST_BYTES, paced } from './paced.ts';
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
  /** Whether its body must not go out a second time without looking at how much of it arrived. */
  readonly once?: true;
  /** How many bytes the server may have to look at before it answers. Default: as many as the body has. */
  readonly workBytes?: number;
  /**
   * How many connections to open beside the one that this request takes, for those that follow. Only a
   * wish: none are opened through a proxy, nor to a host that was looked up or has certificates of its own.
   * Such a request goes out at once, also while the first one to the host finds out how that wants to be asked.
   */
  readonly ahead?: number;
  /** What the pauses between attempts are taken from, shared by all requests of one piece of work. */
  readonly pauses?: Pauses;
  /** Who sends it in place of this process. */
  readonly carrier?: Carrier;
}

/** Sends a request, to the address that was looked up and judged, if it was. What it answers and throws is as of a {@link Transport}. */
export type Carrier = (request: HttpRequest, address: string | undefined) => Promise<Response>;

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

/** How long a server may take to begin its answer, connecting included. */
const PATIENCE_MS = 120_000;

/** How long it may take for {@link LEAST_BYTES} of a body. */
const STALL_MS = 60_000;

/** A registry hashes what it was sent before it answers: no slower than this, in bytes per millisecond. */
const SERVER_BYTES_PER_MS = 20_000;

/** How long a file may take that goes to this machine, which tells no progress, beside its bytes. */
const FILE_MS = 5_000;

/** The slowest that a program of this machine takes and keeps a file, in bytes per millisecond. */
const FILE_BYTES_PER_MS = 50_000;

// Under Bun the bare specifier is the runtime's own client, which has these options and this answer;
// the package's types describe the client of Node.js.
const nativeFetch = undiciFetch as unknown as (
  url: string,
  init: BunFetchRequestInit & { timeout: false; decompress: false; proxy?: string | false },
) => Promise<Response>;

/**
 * Bodies of so many bytes go over TLS by `wire/wire-fetch.ts`, for a sixth less of the processor's time. Less
 * is not worth the connection that each has to itself.
 */
const WIRE_BYTES = 32 * 1024 * 1024;

/** Options of {@link transportWith}. */
export interface TransportSettings {
  /** Milliseconds for an answer to begin, and to end its headers. Default: two minutes. */
  readonly patienceMs?: number;
  /** Milliseconds for 60 KiB of a body to go out. Default: a minute. */
  readonly stallMs?: number;
  /** Milliseconds for a file that goes to this machine over plain HTTP, beside 1 for 50 kB. Default: 5 s. */
  readonly fileMs?: number;
  /** The length from which on a body goes by our own writer over TLS. Default: 32 MiB. */
  readonly wireBytes?: number;
  /** The proxy that connects to an address. Default: none does. */
  readonly proxyFor?: (url: URL) => ProxyServer | undefined;
}

/**
 * The {@link Transport} of this machine: HTTP/1.1 with the system's certificate authorities and those of
 * `SSL_CERT_FILE` and `NODE_EXTRA_CA_CERTS`. Bodies come as the server sent them, never decompressed. What
 * counts as no answer, with the code `ETIMEDOUT`: headers that are not all there after two minutes (after a
 * body: and a second for each 20 MB of it, or of `workBytes`), a body of which less than 1 KiB a second is taken for a minute,
 * and a file that goes to this machine as one in 5 seconds and one for each 50 MB.
 */
export function transportWith({
  patienceMs = PATIENCE_MS,
  stallMs = STALL_MS,
  fileMs = FILE_MS,
  wireBytes = WIRE_BYTES,
  proxyFor,
}: TransportSettings = {}): Transport {
  return async (request) => {
    const answerMs = Math.min(patienceMs, request.patienceMs ?? patienceMs);
    const way = { answerMs, stallMs, fileMs, wireBytes };
    const proxy = proxyFor?.(request.url);
    const hosts = proxy === undefined ? await request.resolve?.() : undefined;
    if (hosts === undefined) {
      if (request.carrier) return request.carrier(request, undefined);
      return send(request, { ...way, proxy });
    }
    const address = await addressAmong(hosts, request, way);
    request.chosen?.(address);
    if (request.carrier) return request.carrier(request, address);
    return send(request, { ...way, address });
  };
}

async function addressAmong(
  hosts: readonly string[],
  { url, signal }: HttpRequest,
  { answerMs }: Way,
): Promise<string> {
  const [only] = hosts;
  if (only !== undefined && hosts.length === 1) return only;
  using watchdog = new Watchdog();
  watchdog.expect(answerMs);
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
  readonly answerMs: number;
  readonly stallMs: number;
  readonly fileMs: number;
  readonly wireBytes: number;
  readonly proxy?: ProxyServer | undefined;
  readonly address?: string;
}

async function send(request: HttpRequest, way: Way): Promise<Response> {
  const { method, url, headers = {}, ahead = 0 } = request;
  const { proxy, address } = way;
  const { authorization } = headers;
  if (authorization !== undefined) hideAuthorization(authorization);
  assertSendable(headers);
  using watchdog = new Watchdog();
  const signal = request.signal
    ? AbortSignal.any([request.signal, watchdog.signal])
    : watchdog.signal;
  watchdog.expect(way.answerMs + workMs(request));
  const body = request.body && outgoing(request.body(), { ...way, request, watchdog });
  const tls = tlsOptions(request, { isPinned: address !== undefined });
  const isPlain = proxy === undefined && address === undefined && tls === undefined;
  // What becomes of the connections that wait for others does not matter.
  for (let i = 0; isPlain && i < ahead; i += 1) fetch.preconnect(url.origin);
  let response: Response;
  try {
    const target = atAddress(url, address);
    const init = {
      method,
      headers: {
        'accept-encoding': 'identity',
        ...headers,
        ...body?.headers,
        ...(address !== undefined && { host: url.host }),
      },
      signal,
      ...(tls && { tls }),
    };
    if (body?.wired) {
      // Loaded here: few pushes have a blob that large.
      const { wireFetch } = await import('./wire/wire-fetch.ts');
      response = await wireFetch(target, { ...init, body: body.wired });
    } else {
      response = await nativeFetch(target, {
        ...init,
        ...(body && { body: body.init }),
        redirect: 'manual',
        decompress: false,
        timeout: false,
        proxy: proxy?.href ?? false,
      });
    }
  } catch (error) {
    if (body?.failed.length) throw body.failed[0];
    throw transportError(error, { host: url.host, signal: request.signal, proxy });
  }
  if (proxy !== undefined && response.status === 407) {
    await response.body?.cancel();
    throw wantsProxyLogin(proxy);
  }
  // Whoever reads the answer compares where it came from with names, not with addresses. Ours has none yet.
  if (address !== undefined || body?.wired)
    Object.defineProperty(response, 'url', { value: url.href });
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
  /** The same, where it goes by `wire/wire-fetch.ts`. */
  readonly wired?: AsyncIterable<Uint8Array> | false;
  readonly headers: Readonly<Record<string, string>>;
  readonly failed: unknown[];
}

function outgoing(
  body: HttpBody,
  way: Way & { request: HttpRequest; watchdog: Watchdog },
): Outgoing {
  const { request, watchdog, answerMs, stallMs, fileMs, wireBytes, proxy } = way;
  const failed: unknown[] = [];
  const streamed = (stream: AsyncIterable<Uint8Array>, length: number): Outgoing => {
    const endMs = answerMs + Math.max(workMs(request), length / SERVER_BYTES_PER_MS);
    const init = paced(stream, { stallMs, endMs, watchdog, failed });
    const wired = length >= wireBytes && takesWire(request, proxy) && init;
    return { init, wired, headers: { 'content-length': String(length) }, failed };
  };
  if ('bytes' in body) {
    const { bytes } = body;
    // On a connection that the server closes just then fetch sends a PUT of bytes again by itself.
    const isOnce = request.once && bytes.length > 0;
    if (isOnce || bytes.length > LEAST_BYTES) return streamed(only(bytes), bytes.length);
    return { init: bytes, headers: {}, failed };
  }
  if ('stream' in body) return streamed(body.stream, body.length);
  const { path, start, end } = body.file;
  const length = end - start;
  if (!takesFiles(request.url)) return streamed(readRange(path, { start, end }), length);
  watchdog.expect(fileMs + length / FILE_BYTES_PER_MS + workMs(request, length));
  return { init: Bun.file(path).slice(start, end), headers: {}, failed };
}

/** How long the server may work, beside on the `taken` bytes that it hashes as they come. */
function workMs({ workBytes = 0 }: HttpRequest, taken = 0): number {
  return Math.max(0, workBytes - taken) / SERVER_BYTES_PER_MS;
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}

/** Whether `wire/wire-fetch.ts` carries all that fetch would send. */
function takesWire({ method, url }: HttpRequest, proxy: ProxyServer | undefined): boolean {
  const { protocol, hostname, username, password } = url;
  const isUsual = `${username}${password}` === '' && !hostname.endsWith('.');
  return protocol === 'https:' && proxy === undefined && method !== 'HEAD' && isUsual;
}

/**
 * Whether a file goes there by sendfile, which tells no progress: to this machine over plain HTTP, where
 * it is worth something (1.9 against 1.1 GiB/s). Over TLS a file body would be read whole into memory:
 * 2 GiB for a file of 1 GiB (Bun 1.4.5).
 */
export function takesFiles({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && isLoopback(hostname);
}
