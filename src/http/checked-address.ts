import type { AbortOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import { excerpt } from '../text.ts';
import { describeNearby } from './distrust.ts';
import { ASK_WHO_RUNS_IT, networkCode, transportError } from './failure.ts';
import { hostOfAddress, isAddress, type Nearby, nearby } from './nearby.ts';
import type { Transport } from './transport.ts';

/** How long a name may take to be looked up. */
const LOOKUP_MS = 20_000;

/** Milliseconds for which the addresses of a name hold. */
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

/** What is known of a name. */
interface Known {
  /** Where the address that answered first is; undefined before that. */
  readonly place?: Place | undefined;
  /** Its addresses, the most promising first. */
  readonly hosts: readonly string[];
  /** The one that answered last, unless it has failed since. */
  readonly inUse?: string | undefined;
  /** When they are looked up again. */
  readonly until: number;
}

type Place = Nearby | 'public';

/** An address that was in use takes no connection any more; another one may, and nothing was sent. */
const TRY_ANOTHER = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH']);

/**
 * Judges where requests go to by the addresses that names resolve to: what `distrust.ts` is for names and
 * numbers in a URL. The registry that the user named may be anywhere; where it sends us, on this machine and
 * in private networks only when it is there itself. The connection then goes to an address that was judged:
 * what the name resolves to a moment later does not matter. Every name stays where it was when it first
 * answered, public, in private networks or on this machine: it can neither become that of a server nearby
 * nor be taken over by a public one. The address that answered stays in use until it fails; then the others
 * come first. They are looked up again after that, and after half a minute; a look-up that fails changes
 * nothing. Where a proxy connects, and looks names up, only addresses in the URL are judged.
 * @throws FinchError `REGISTRY` for an address that is too near
 */
export function withCheckedAddress(
  transport: Transport,
  { home, lookup = systemLookup, clock = () => performance.now() }: CheckedAddressOptions,
): Transport {
  const names = new Map<string, Known>();

  const lookedUp = async (url: URL, options: AbortOptions): Promise<Known> => {
    const name = url.hostname;
    const before = names.get(name);
    if (before !== undefined && clock() < before.until) return before;
    const found = await addressesOf(url, { lookup, ...options }).catch((error: unknown) => {
      if (before === undefined || options.signal?.aborted) throw error;
      return before.hosts;
    });
    const known = { ...moved(names.get(name), found), until: clock() + FRESH_MS };
    names.set(name, known);
    return known;
  };

  const answered = (name: string, address: string) => {
    const known = names.get(name);
    if (known === undefined || known.inUse === address) return;
    const place = known.place ?? placeOf(address);
    const others = known.hosts.filter((host) => host !== address && placeOf(host) === place);
    names.set(name, { ...known, place, hosts: [address, ...others], inUse: address });
  };

  const failed = (name: string, address: string | undefined) => {
    const known = names.get(name);
    if (known === undefined) return;
    const [first, ...others] = known.hosts;
    // Of several requests that failed at once only one puts the address last.
    const hosts = first !== undefined && first === address ? [...others, first] : known.hosts;
    const inUse = known.inUse === address ? undefined : known.inUse;
    names.set(name, { ...known, hosts, inUse, until: 0 });
  };

  const judge = (url: URL, { from, hosts }: { from: URL; hosts: readonly string[] }) => {
    if (url.hostname === from.hostname) return hosts;
    const neighbourhood = names.get(from.hostname)?.place ?? placeOf(from.hostname);
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
    if (isAddress(name) || nearby(name) !== undefined) {
      judge(url, { from, hosts: [name] });
      return transport(request);
    }
    for (;;) {
      let address: string | undefined;
      const inUse = names.get(name)?.inUse;
      const resolve = async () => {
        const known = await lookedUp(url, { signal });
        const hosts = judge(url, { from, hosts: known.hosts });
        const working = hosts.filter((host) => host === known.inUse);
        return working.length > 0 ? working : hosts;
      };
      const chosen = (host: string) => {
        address = host;
      };
      try {
        const response = await transport({ ...request, resolve, chosen });
        if (address !== undefined) answered(name, address);
        return response;
      } catch (error) {
        failed(name, address);
        const mayMove = address !== undefined && address === inUse;
        if (!mayMove || !TRY_ANOTHER.has(networkCode(error) ?? '')) throw error;
      }
    }
  };
}

function placeOf(host: string): Place {
  return nearby(host) ?? 'public';
}

/** Of the addresses that were found now those in the same place, in the order known so far; else what is known. */
function moved(known: Known | undefined, found: readonly string[]): Omit<Known, 'until'> {
  if (known === undefined) return { hosts: found };
  const { place, inUse } = known;
  const same = found.filter((host) => place === undefined || placeOf(host) === place);
  if (same.length === 0) return known;
  const kept = known.hosts.filter((host) => same.includes(host));
  const hosts = [...kept, ...same.filter((host) => !kept.includes(host))];
  return { place, hosts, inUse: hosts.find((host) => host === inUse) };
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
