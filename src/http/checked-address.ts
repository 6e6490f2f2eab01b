import type { AbortOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import { excerpt } from '../text.ts';
import { describeNearby } from './distrust.ts';
import { ASK_WHO_RUNS_IT, transportError } from './failure.ts';
import { hostOfAddress, isAddress, type Nearby, nearby } from './nearby.ts';
import type { Transport } from './transport.ts';

/** How long a name may take to be looked up. */
const LOOKUP_MS = 20_000;

/** Milliseconds for which the addresses of a registry hold. */
const FRESH_MS = 30_000;

/** All IP addresses of a name, the best first. Rejects when it has none. */
type Lookup = (hostname: string) => Promise<readonly string[]>;

/** What {@link withCheckedAddress} needs to know. */
export interface CheckedAddressOptions {
  /** The address of the registry that the user named, which may be anywhere. */
  readonly home: () => URL;
  /** Default: as the system does it. */
  readonly lookup?: Lookup;
  /** Milliseconds on a clock that only goes forward. Default: this machine's. */
  readonly clock?: () => number;
}

/** Where a registry that the user named is. */
interface Home {
  /** Where the address that answered first is; undefined before that. */
  readonly place?: Place;
  /** Its addresses, the one in use first. */
  readonly hosts: readonly string[];
  /** When they are looked up again. */
  readonly until: number;
}

type Place = Nearby | 'public';

/**
 * Judges where requests go to by the addresses that names resolve to: what `distrust.ts` is for names and
 * numbers in a URL. The registry that the user named may be anywhere; where it sends us, on this machine and
 * in private networks only when it is there itself. The connection then goes to an address that was judged:
 * what the name resolves to a moment later does not matter. The registry too stays where it was when it first
 * answered, public, in private networks or on this machine: its name can neither become that of a server
 * nearby nor be taken over by a public one. Its addresses are looked up again when a request failed, and
 * after half a minute. Where a proxy connects, and looks names up, only addresses in the URL are judged.
 * @throws FinchError `REGISTRY` for an address that is too near
 */
export function withCheckedAddress(
  transport: Transport,
  { home, lookup = systemLookup, clock = () => performance.now() }: CheckedAddressOptions,
): Transport {
  const homes = new Map<string, Home>();

  const addressesOfHome = async (url: URL, options: AbortOptions) => {
    const known = homes.get(url.hostname);
    if (known !== undefined && clock() < known.until) return known.hosts;
    const found = await addressesOf(url, { lookup, ...options });
    const hosts = moved(homes.get(url.hostname), found);
    homes.set(url.hostname, { ...homes.get(url.hostname), hosts, until: clock() + FRESH_MS });
    return hosts;
  };

  const reached = (name: string) => (address: string) => {
    const known = homes.get(name);
    if (known === undefined || known.place !== undefined) return;
    const place = placeOf(address);
    const hosts = known.hosts.filter((host) => placeOf(host) === place);
    homes.set(name, { ...known, place, hosts });
  };

  const judge = (url: URL, { from, hosts }: { from: URL; hosts: readonly string[] }) => {
    const neighbourhood = homes.get(from.hostname)?.place ?? placeOf(from.hostname);
    const allowed = hosts.filter((host) => {
      const place = placeOf(host);
      return place === 'public' || (place === neighbourhood && place !== 'special');
    });
    const [place] = hosts.flatMap((host) => nearby(host) ?? []);
    if (allowed.length === 0 && place !== undefined) throw tooNear(url, { from, place });
    return allowed;
  };

  return async (request) => {
    const from = home();
    const { url, signal } = request;
    const name = url.hostname;
    const isName = !isAddress(name) && nearby(name) === undefined;
    if (name !== from.hostname) {
      if (!isName) judge(url, { from, hosts: [name] });
      const resolve = async () =>
        judge(url, { from, hosts: await addressesOf(url, { lookup, signal }) });
      return transport(isName ? { ...request, resolve } : request);
    }
    if (!isName) return transport(request);
    try {
      const resolve = () => addressesOfHome(url, { signal });
      return await transport({ ...request, resolve, reached: reached(name) });
    } catch (error) {
      const known = homes.get(name);
      // The next attempt begins with another address.
      if (known) homes.set(name, { ...known, hosts: turned(known.hosts), until: 0 });
      throw error;
    }
  };
}

function placeOf(host: string): Place {
  return nearby(host) ?? 'public';
}

/** Of the addresses that were found now those in the same place, in the order known so far; else what is known. */
function moved(known: Home | undefined, found: readonly string[]): readonly string[] {
  if (known === undefined) return found;
  const { place, hosts } = known;
  const same = found.filter((host) => place === undefined || placeOf(host) === place);
  if (same.length === 0) return hosts;
  const kept = hosts.filter((host) => same.includes(host));
  const fresh = same.filter((host) => !kept.includes(host));
  return [...kept, ...fresh];
}

function turned([first, ...others]: readonly string[]): readonly string[] {
  return first === undefined ? [] : [...others, first];
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
