import { FinchError } from '../errors.ts';
import { distrust } from '../http/distrust.ts';
import { isLoopback } from '../http/loopback.ts';
import { DEFAULT_REGISTRY } from '../oci/reference.ts';
import { excerpt, quote } from '../text.ts';
import type { Endpoint } from './endpoint.ts';
import { hasOwner } from './public-suffix.ts';

/** Which token servers the user trusts with the login of a registry, beyond those that its name stands for. */
export interface RealmTrust {
  isTrusted(registry: string, realm: URL): Promise<boolean>;
}

/** Whose token server it is, and whether a login would go there. */
export interface RealmOptions {
  /** As the user names it. */
  readonly registry: string;
  readonly endpoint: Endpoint;
  readonly withLogin: boolean;
  readonly trust?: RealmTrust | undefined;
}

/**
 * Services whose token servers have a name of another owner than their registries.
 * Scaleway: https://www.scaleway.com/en/docs/container-registry/
 * Alibaba Cloud: https://www.alibabacloud.com/help/en/acr/
 */
const KNOWN_PAIRS: readonly { readonly registry: RegExp; readonly realm: RegExp }[] = [
  { registry: /^rg\.[a-z]{2}-[a-z]{3}\.scw\.cloud$/, realm: /^api\.scaleway\.com$/ },
  {
    registry: /^(?:[a-z0-9-]+\.)*aliyuncs\.com$/,
    // Only regions: anybody's bucket can be dockerauth.oss-cn-hangzhou.aliyuncs.com.
    realm: /^dockerauth\.(?:(?:ap|cn|eu|me|na|us)-[a-z]+(?:-\d+)?\.)?aliyuncs\.com$/,
  },
];

/**
 * The address of a token server as a registry named it, when it may be asked. A registry, or whoever
 * gets between, could name any server, which would then get the login; so with a login the token server
 * must belong to the registry by its name, be known to, or be trusted by the user. Nothing has been sent
 * when this throws.
 * @throws FinchError `REGISTRY` when it must not be asked
 */
export async function realmUrl(realm: string, options: RealmOptions): Promise<URL> {
  const { registry, endpoint, withLogin, trust } = options;
  const url = URL.parse(realm);
  const why = url === null ? 'is no address' : whyUnsafe(url, options);
  if (url === null || why !== undefined) {
    throw new FinchError('REGISTRY', `registry ${registry} names a token server that ${why}`, {
      hint: `nothing was sent to it; ask who runs ${registry}`,
    });
  }
  if (!withLogin || isOf(url, endpoint.url(''))) return url;
  if (await trust?.isTrusted(registry, url)) return url;
  const host = excerpt(url.host);
  const server = registry === DEFAULT_REGISTRY ? '' : ` ${registry}`;
  throw new FinchError(
    'REGISTRY',
    `registry ${registry} wants your login to be sent to ${host}, which is not known to belong to it`,
    { hint: `if you trust ${host} with it: finch login --trust-realm ${host}${server}` },
  );
}

/**
 * The `host[:port]` of a token server that the user means by HOST: one, or an address.
 * @throws FinchError `USAGE` when it is no host
 */
export function parseRealmHost(text: string): string {
  const url = URL.parse(/^https?:\/\//i.test(text) ? text : `https://${text}`);
  if (url !== null && !/[\s@]/.test(text)) return url.host;
  throw new FinchError('USAGE', `${quote(text)} is no host of a token server`, {
    hint: 'it is HOST[:PORT], for example auth.example.com',
  });
}

/** What is trusted already, and the hosts that the user names now; `onUse` hears of those that it took. */
export function alsoTrusting(
  hosts: readonly string[],
  { trust, onUse }: { readonly trust?: RealmTrust | undefined; onUse: (host: string) => void },
): RealmTrust {
  const named = new Set(hosts.map(parseRealmHost));
  return {
    async isTrusted(registry, realm) {
      if (await trust?.isTrusted(registry, realm)) return true;
      if (!named.has(realm.host)) return false;
      onUse(realm.host);
      return true;
    },
  };
}

/** Why a token server must not be asked, whatever the user trusts. */
function whyUnsafe(url: URL, { endpoint, withLogin }: RealmOptions): string | undefined {
  if (url.username !== '' || url.password !== '') return 'carries a login';
  if (endpoint.owns(url)) return undefined;
  const from = endpoint.url('');
  const isNoWorse = url.protocol === 'https:' || url.protocol === from.protocol;
  const isBeside = url.hostname === from.hostname && isNoWorse;
  if (isBeside) return undefined;
  // What comes back is a secret too.
  return distrust(url, { from, withLogin: withLogin || url.protocol === 'http:' });
}

/** Whether a token server belongs to the registry, as far as names tell. */
function isOf({ hostname: realm }: URL, { hostname: registry }: URL): boolean {
  if (realm === registry || (isLoopback(realm) && isLoopback(registry))) return true;
  if (isAddress(realm) || isAddress(registry)) return false;
  if (realm.endsWith(`.${registry}`)) return hasOwner(registry);
  if (registry.endsWith(`.${realm}`)) return hasOwner(realm);
  const parent = parentOf(registry);
  if (parent === parentOf(realm) && hasOwner(parent)) return true;
  return KNOWN_PAIRS.some((pair) => pair.registry.test(registry) && pair.realm.test(realm));
}

function isAddress(hostname: string): boolean {
  return hostname.startsWith('[') || /^[\d.]+$/.test(hostname);
}

function parentOf(hostname: string): string {
  return hostname.slice(hostname.indexOf('.') + 1);
}
