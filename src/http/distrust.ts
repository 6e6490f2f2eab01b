/** Networks that only machines nearby can reach. `special` addresses are nobody's server at all. */
type Nearby = 'loopback' | 'private' | 'special';

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
 * Names that are looked up are not judged by what they resolve to.
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
  return target === 'loopback' ? 'is an address of this machine' : 'is a private address';
}

/** What a host as {@link URL} writes it is near to; undefined for a public address and for most names. */
function nearby(hostname: string): Nearby | undefined {
  const name = hostname.replace(/\.$/, '').toLowerCase();
  if (name === 'localhost' || name.endsWith('.localhost')) return 'loopback';
  if (name.startsWith('[')) return nearbyV6(name.slice(1, -1));
  const [a, b] = /^\d+\.\d+\.\d+\.\d+$/.test(name) ? name.split('.').map(Number) : [];
  return a === undefined || b === undefined ? undefined : nearbyV4(a, b);
}

/** https://www.iana.org/assignments/iana-ipv4-special-registry */
function nearbyV4(a: number, b: number): Nearby | undefined {
  if (a === 127) return 'loopback';
  if (a === 0 || (a === 169 && b === 254) || a >= 224) return 'special';
  const isPrivate =
    a === 10 ||
    (a === 172 && b >= 16 && b < 32) ||
    (a === 192 && b === 168) ||
    (a === 100 && b >= 64 && b < 128);
  return isPrivate ? 'private' : undefined;
}

/** https://www.iana.org/assignments/iana-ipv6-special-registry */
function nearbyV6(address: string): Nearby | undefined {
  if (address === '::1') return 'loopback';
  const mapped = /^::ffff:([0-9a-f]{1,4}):[0-9a-f]{1,4}$/.exec(address)?.[1];
  if (mapped !== undefined) {
    const high = Number.parseInt(mapped, 16);
    return nearbyV4(high >> 8, high & 0xff);
  }
  if (/^f[cd]/.test(address)) return 'private';
  // Unspecified, IPv4 in old and translated forms, link-local, site-local, multicast.
  return /^(?:::|64:ff9b:|fe[89a-f]|ff)/.test(address) ? 'special' : undefined;
}
