import { parseChallenges } from './challenge.ts';
import type { ProxyServer } from './proxy.ts';
import type { HttpBody, HttpRequest, Transport } from './transport.ts';

/** Where {@link withTrace} tells, and what it knows. */
export interface TraceOptions {
  /**
   * Gets one line for each request, as a function that makes it, for where somebody reads it. What this process
   * knows to be secret is still to be hidden in it.
   */
  readonly trace: (line: () => string) => void;
  /** The proxy that connects to an address. Default: none does. */
  readonly proxyFor?: (url: URL) => ProxyServer | undefined;
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: () => number;
}

/**
 * Tells of each request in one line: method, address (of its query only
 * values that open no doors), status, time until the answer began,
 * the bytes of both bodies where they are known, the schemes of challenges, and by which proxy or looked-up
 * addresses it went. Never what headers that name the user hold, and nothing of a body.
 */
export function withTrace(transport: Transport, options: TraceOptions): Transport {
  const { trace, proxyFor, now = () => performance.now() } = options;
  return async (request) => {
    const start = now();
    const { method, url, body, resolve } = request;
    const notes: string[] = [];
    const observed: HttpRequest = {
      ...request,
      ...(body && {
        body: () => {
          const sent = body();
          notes.push(`sent ${bytes(lengthOf(sent))}`);
          return sent;
        },
      }),
      ...(resolve && {
        async resolve() {
          const hosts = await resolve();
          if (hosts !== undefined) notes.push(`at ${hosts.join(' or ')}`);
          return hosts;
        },
      }),
    };
    const tell = (outcome: () => readonly string[]) =>
      trace(() => {
        const unchecked = request.insecure ? ['certificate not checked'] : [];
        const parts = [...outcome(), `${Math.round(now() - start)} ms`, ...notes, ...unchecked];
        return `${method} ${shownUrl(url)} -> ${parts.join(', ')}`;
      });
    try {
      const proxy = proxyFor?.(url);
      if (proxy !== undefined) notes.push(`by the proxy ${proxy.host} of ${proxy.variable}`);
      const response = await transport(observed);
      tell(() => [String(response.status), ...received(response), ...offered(response)]);
      return response;
    } catch (error) {
      tell(() => [`no answer (${error instanceof Error ? error.message : 'unknown'})`]);
      throw error;
    }
  };
}

/** The query values that say what is asked for. Any other may be a signature or the state of an upload. */
const HARMLESS = new Set([
  ...[
    'account',
    'client_id',
    'digest',
    'from',
    'last',
    'mount',
    'n',
    'ns',
    'scope',
    'service',
    'tag',
  ],
]);

function shownUrl({ origin, pathname, search }: URL): string {
  const query = search.replace(/([?&])([^=&]*)=[^&]*/g, (whole, sign: string, name: string) =>
    HARMLESS.has(name) ? whole : `${sign}${name}=REDACTED`,
  );
  // Who knows an upload by its address can go on with it.
  const path = pathname.replace(/(\/blobs\/uploads\/).+/, '$1…');
  return `${origin}${path}${query}`;
}

function lengthOf(body: HttpBody): number {
  if ('bytes' in body) return body.bytes.length;
  return 'stream' in body ? body.length : body.file.end - body.file.start;
}

function received({ headers }: Response): readonly string[] {
  const length = headers.get('content-length') ?? '';
  return /^\d{1,15}$/.test(length) ? [bytes(Number(length))] : [];
}

function offered({ headers }: Response): readonly string[] {
  const schemes = parseChallenges(headers.get('www-authenticate') ?? '').map(
    ({ scheme }) => scheme,
  );
  return schemes.length === 0 ? [] : [`asks for ${[...new Set(schemes)].slice(0, 8).join('/')}`];
}

function bytes(count: number): string {
  return count === 1 ? '1 byte' : `${count} bytes`;
}
