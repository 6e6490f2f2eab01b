import { FinchError } from '../errors.ts';
import { excerpt } from '../text.ts';
import { discardBody } from './body.ts';
import { distrust } from './distrust.ts';
import { ASK_WHO_RUNS_IT } from './failure.ts';
import type { HttpRequest, Transport } from './transport.ts';

const MAX_HOPS = 10;

/** What may go to another origin: nothing that says who we are or what only the first server should see. */
const PORTABLE_HEADERS = new Set([
  'accept',
  'accept-encoding',
  'content-type',
  'range',
  'user-agent',
]);

/**
 * Follows redirects, up to 10 of them. To another origin (scheme, host and port) it takes neither
 * Authorization nor cookies nor any header but the few that describe the content; to another host neither
 * client certificates nor what was said about the first. 307 and 308 send the body again; 303 turns the
 * request into a GET, and 301 and 302 a POST.
 * https://www.rfc-editor.org/rfc/rfc9110#section-15.4
 * @throws FinchError `REGISTRY` for a loop, too many hops, a target that is no HTTP address, or one
 * that {@link distrust} speaks against
 */
export function withRedirect(transport: Transport): Transport {
  return async (first) => {
    const seen = new Set<string>();
    let request = first;
    for (;;) {
      const response = await transport(request);
      const location = redirectTarget(response);
      if (location === undefined) return response;
      await discardBody(response);
      // Below, a registry that turned out to speak plain HTTP is asked so.
      const from = URL.parse(response.url) ?? request.url;
      const url = nextUrl(location, from);
      const next = follow({ ...request, url: from }, { url, status: response.status });
      const key = `${next.method} ${url.href}`;
      if (seen.has(key)) throw refused(request.url, 'redirects in a circle');
      if (seen.size === MAX_HOPS)
        throw refused(request.url, `redirects more than ${MAX_HOPS} times`);
      seen.add(key);
      request = next;
    }
  };
}

function redirectTarget({ status, headers }: Response): string | undefined {
  const isRedirect = [301, 302, 303, 307, 308].includes(status);
  return isRedirect ? (headers.get('location') ?? undefined) : undefined;
}

function nextUrl(location: string, from: URL): URL {
  if (!URL.canParse(location, from.href)) throw refused(from, 'redirects to no valid address');
  const url = new URL(location, from);
  url.hash = '';
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw refused(from, 'redirects to something that is not HTTP');
  }
  if (from.protocol === 'https:' && url.protocol === 'http:') {
    throw refused(from, `redirects to ${excerpt(url.host)} without TLS`);
  }
  const why = distrust(url, { from });
  if (why !== undefined) throw refused(from, `redirects to ${excerpt(url.host)}, which ${why}`);
  return url;
}

function follow(request: HttpRequest, { url, status }: { url: URL; status: number }): HttpRequest {
  const { body, headers = {}, insecure, tls, resolve, ahead: _, ...rest } = request;
  const toGet =
    (status === 303 && request.method !== 'HEAD') ||
    ((status === 301 || status === 302) && request.method === 'POST');
  const here = url.origin === request.url.origin;
  if (body && !toGet && !here && isForm(headers)) {
    throw refused(request.url, `redirects a login to ${excerpt(url.host)}`);
  }
  return {
    ...rest,
    url,
    method: toGet ? 'GET' : request.method,
    headers: here ? headers : portable(headers),
    ...(body && !toGet && { body }),
    ...(url.host === request.url.host && {
      ...(insecure !== undefined && { insecure }),
      ...(tls && { tls }),
      ...(resolve && { resolve }),
    }),
  };
}

/** Only logins come as forms: what they hold is for the first server alone. */
function isForm(headers: Readonly<Record<string, string>>): boolean {
  return headers['content-type'] === 'application/x-www-form-urlencoded';
}

function portable(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => PORTABLE_HEADERS.has(name.toLowerCase())),
  );
}

function refused(from: URL, what: string): FinchError {
  return new FinchError('REGISTRY', `${from.host} ${what}`, {
    hint: ASK_WHO_RUNS_IT,
  });
}
