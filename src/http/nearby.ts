/** Networks that only machines nearby can reach. `special` addresses are nobody's server at all. */
export type Nearby = 'loopback' | 'private' | 'special';

/**
 * What a host as {@link URL} writes it is near to; undefined for a public address, and for every name but
 * those of this machine.
 */
export function nearby(hostname: string): Nearby | undefined {
  const name = hostname.replace(/\.$/, '').toLowerCase();
  if (name === 'localhost' || name.endsWith('.localhost')) return 'loopback';
  if (name.startsWith('[')) return nearbyV6(name.slice(1, -1));
  const [a, b] = isAddressV4(name) ? name.split('.').map(Number) : [];
  return a === undefined || b === undefined ? undefined : nearbyV4(a, b);
}

/** Whether a host as {@link URL} writes it is an IP address, which needs no looking up. */
export function isAddress(hostname: string): boolean {
  return hostname.startsWith('[') || isAddressV4(hostname.replace(/\.$/, ''));
}

/** The host of an IP address as {@link URL} writes it; undefined for what is none. */
export function hostOfAddress(address: string): string | undefined {
  // A link-local address names its interface too, which no URL can.
  const plain = address.replace(/%.*$/, '');
  const hostname = URL.parse(`http://${plain.includes(':') ? `[${plain}]` : plain}`)?.hostname;
  return hostname !== undefined && isAddress(hostname) ? hostname : undefined;
}

function isAddressV4(name: string): boolean {
  return /^\d+\.\d+\.\d+\.\d+$/.test(name);
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
  // IPv4 within IPv6: mapped, translated (the only way out of many networks), and 6to4.
  const inner =
    /^(?:::ffff|64:ff9b:):([0-9a-f]{1,4}):[0-9a-f]{1,4}$/.exec(address)?.[1] ??
    /^2002:([0-9a-f]{1,4}):/.exec(address)?.[1];
  if (inner !== undefined) {
    const high = Number.parseInt(inner, 16);
    return nearbyV4(high >> 8, high & 0xff);
  }
  // What Amazon's machines ask for their secrets.
  if (address === 'fd00:ec2::254') return 'special';
  if (/^f[cd]/.test(address)) return 'private';
  // Unspecified, IPv4 in old and translated forms, link-local, site-local, multicast.
  return /^(?:::|64:ff9b:|fe[89a-f]|ff)/.test(address) ? 'special' : undefined;
}
