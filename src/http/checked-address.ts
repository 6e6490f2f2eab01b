import type { AbortOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import { excerpt } from '../text.ts';
import { describeNearby } from './distrust.ts';
import { ASK_WHO_RUNS_IT, transportError } from './failure.ts';
import { hostOfAddress, isAddress, type Nearby, nearby } from './nearby.ts';
import type { Transport } from './transport.ts';

/** How long a name may take to be looked up. */
const LOOKUP_MS = 20_000;

/** All IP addresses of a name, the best first. Rejects when it has none. */
type Lookup = (hostname: string) => Promise<readonly string[]>;

/** What {@link withCheckedAddress} needs to know. */
export interface CheckedAddressOptions {
  /** The address of the registry that the user named, which may be anywhere. */
  readonly home: () => URL;
  /** Default: as the system does it. */
  readonly lookup?: Lookup;
}

/**
 * Judges where requests go to by the addresses that names resolve to: what `distrust.ts` is for names and
 * numbers in a URL. The registry that the user named may be anywhere; where it sends us, on this machine and
 * in private networks only when it is there itself. The connection then goes to an address that was judged:
 * what the name resolves to a moment later does not matter. A registry nearby is held to its first addresses
 * too, so that no public one can pass for it. Where a proxy connects, and looks names up, only addresses in
 * the URL are judged.
 * @throws FinchError `REGISTRY` for an address that is too near
 */
export function withCheckedAddress(
  transport: Transport,
  { home, lookup = systemLookup }: CheckedAddressOptions,
): Transport {
  /** By the name of a registry that is nearby with all of its addresses: those. */
  const nearbyHomes = new Map<string, readonly string[]>();

  const addressesOfHome = async (url: URL, options: AbortOptions) => {
    const found = nearbyHomes.get(url.hostname) ?? (await addressesOf(url, { lookup, ...options }));
    if (!found.every((host) => nearby(host) !== undefined)) return undefined;
    nearbyHomes.set(url.hostname, found);
    return found;
  };

  const judge = (url: URL, { from, hosts }: { from: URL; hosts: readonly string[] }) => {
    const home = nearbyHomes.get(from.hostname) ?? [from.hostname];
    const neighbours = new Set(home.map(nearby));
    neighbours.delete('special');
    const allowed = hosts.filter((host) => {
      const place = nearby(host);
      return place === undefined || neighbours.has(place);
    });
    const [place] = hosts.flatMap((host) => nearby(host) ?? []);
    if (allowed.length === 0 && place !== undefined) throw tooNear(url, { from, place });
    return allowed;
  };

  return async (request) => {
    const from = home();
    const { url, signal } = request;
    const isName = !isAddress(url.hostname) && nearby(url.hostname) === undefined;
    const isHome = url.hostname === from.hostname;
    if (!isName) {
      if (!isHome) judge(url, { from, hosts: [url.hostname] });
      return transport(request);
    }
    const resolve = isHome
      ? () => addressesOfHome(url, { signal })
      : async () => judge(url, { from, hosts: await addressesOf(url, { lookup, signal }) });
    return transport({ ...request, resolve });
  };
}

/** The addresses of a name as hosts of URLs. */
async function addressesOf(
  { hostname, host }: URL,
  { lookup, signal }: AbortOptions & { lookup: Lookup },
): Promise<readonly string[]> {
  const patience = AbortSignal.timeout(LOOKUP_MS);
  const stop = signal ? AbortSignal.any([signal, patience]) : patience;
  const stopped = Promise.withResolvers<never>();
  const onStop = () => stopped.reject(Object.assign(new Error('no answer'), { code: 'EAI_AGAIN' }));
  stop.addEventListener('abort', onStop);
  if (stop.aborted) onStop();
  try {
    const addresses = await Promise.race([lookup(hostname), stopped.promise]);
    const hosts = addresses.flatMap((address) => hostOfAddress(address) ?? []);
    if (hosts.length > 0) return hosts;
    return unknownHost(undefined);
  } catch (error) {
    throw transportError(error, { host, signal });
  } finally {
    stop.removeEventListener('abort', onStop);
  }
}

async function systemLookup(hostname: string): Promise<readonly string[]> {
  const found = await Bun.dns.lookup(hostname, { backend: 'getaddrinfo' }).catch(unknownHost);
  // A broken IPv6 network swallows what is sent; where IPv4 is missing it says so at once.
  return found.toSorted((a, b) => a.family - b.family).map(({ address }) => address);
}

function unknownHost(cause: unknown): never {
  throw Object.assign(new Error('no address', { cause }), { code: 'ENOTFOUND' });
}

function tooNear(url: URL, { from, place }: { from: URL; place: Nearby }): FinchError {
  const where = `${excerpt(url.hostname)}, which ${describeNearby(place)}`;
  return new FinchError('REGISTRY', `${from.host} sends requests to ${where}`, {
    hint: ASK_WHO_RUNS_IT,
  });
}
