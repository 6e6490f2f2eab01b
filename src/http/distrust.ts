import { type Nearby, nearby } from './nearby.ts';

/**
 * The most characters in the name of a host.
 * https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4
 */
export const MAX_HOSTNAME = 253;

/** Options of {@link distrust}. */
export interface DistrustOptions {
  /** The server that names the address, as it was asked. */
  readonly from: URL;
  /** Whether a password or a token would go there. Default: false. */
  readonly withLogin?: boolean;
}

/**
 * Why a request must not go where another server wants it to: a redirect, the address of an upload, a
 * token server. A server that can name any address could reach for services of this machine and its
 * network. From TLS there is no way to plain HTTP. Addresses of this machine and of a private network
 * are for servers there; with a login on the way only this machine's own, and plain HTTP only there.
 * Names are judged by what they resolve to when the request is sent: `checked-address.ts`.
 * @returns what is wrong, after a noun: `does not use TLS`; undefined when nothing is
 */
export function distrust(
  url: URL,
  { from, withLogin = false }: DistrustOptions,
): string | undefined {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'is not an HTTP address';
  if (from.protocol === 'https:' && url.protocol === 'http:') return 'does not use TLS';
  if (url.hostname.length > MAX_HOSTNAME) return 'has a longer name than any host';
  if (url.host === from.host) return undefined;
  const target = nearby(url.hostname);
  if (withLogin && url.protocol === 'http:' && target !== 'loopback') return 'does not use TLS';
  if (target === undefined) return undefined;
  const isNeighbour = target === nearby(from.hostname) && target !== 'special';
  if (isNeighbour && !(withLogin && target === 'private')) return undefined;
  return describeNearby(target);
}

/** What is wrong with an address that is too near, after a noun. */
export function describeNearby(target: Nearby): string {
  return target === 'loopback' ? 'is an address of this machine' : 'is a private address';
}
