import { FinchError } from '../errors.ts';
import { distrust } from '../http/distrust.ts';
import { DEFAULT_REGISTRY } from '../oci/reference.ts';
import { excerpt, quote } from '../text.ts';
import type { Endpoint } from './endpoint.ts';
import { hasOwner } from './public-suffix.ts';
import { parseWrittenAddress } from './written-address.ts';

/** Which token servers took the logins of registries before, or are trusted with them by the user. */
export interface RealmTrust {
  /** Undefined when nothing is known of the registry; false when other token servers are. */
  isTrusted(registry: string, realm: URL): Promise<boolean | undefined>;
}

/** Whose token server it is, and what would go there. */
export interface RealmOptions {
  /** As the user names it. */
  readonly registry: string;
  readonly endpoint: Endpoint;
  readonly withLogin: boolean;
  /** Whether the login is an identity token, which some token server has given. */
  readonly isIdentityToken?: boolean;
  readonly trust?: RealmTrust | undefined;
}

/**
 * Services whose token servers have a name of another owner than their registries, or one beside them.
 * Scaleway: https://www.scaleway.com/en/docs/container-registry/
 * Alibaba Cloud: https://www.alibabacloud.com/help/en/acr/
 */
const KNOWN_PAIRS: readonly { readonly registry: RegExp; readonly realm: RegExp }[] = [
  { registry: /^registry-1\.docker\.io$/, realm: /^auth\.docker\.io$/ },
  { registry: /^rg\.[a-z]{2}-[a-z]{3}\.scw\.cloud$/, realm: /^api\.scaleway\.com$/ },
  {
    registry: /^(?:[a-z0-9-]+\.)*aliyuncs\.com$/,
    // Only regions: anybody's bucket can be dockerauth.oss-cn-hangzhou.aliyuncs.com.
    realm: /^dockerauth\.(?:(?:ap|cn|eu|me|na|us)-[a-z]+(?:-\d+)?\.)?aliyuncs\.com$/,
  },
];

/**
 * The address of a token server as a registry named it, when it may be asked. A registry, or whoever
 * gets between, could name any server, which would then get the login. So with a login it must be
 *
 * - what took the login of this registry before, or what the user trusts with it;
 * - or the registry's own host, on any port, where `localhost`, `127.0.0.1` and `[::1]` are one host (a
 *   host that the user called insecure is so on every port); a parent or a subdomain of it; one that is
 *   known to belong to it;
 * - or, when nothing is remembered of the registry yet, its sibling.
 *
 * An identity token goes to nothing but what is remembered, because another token server may have given
 * it, and where nothing is, not to a sibling. Nothing has been sent when this throws.
 * @throws FinchError `REGISTRY` when it must not be asked
 */
export async function realmUrl(realm: string, options: RealmOptions): Promise<URL> {
  const { registry, endpoint, withLogin, isIdentityToken = false, trust } = options;
  const url = URL.parse(realm);
  const why = url === null ? 'is no address' : whyUnsafe(url, options);
  if (url === null || why !== undefined) {
    throw new FinchError('REGISTRY', `registry ${registry} names a token server that ${why}`, {
      hint: `nothing was sent to it; ask who runs ${registry}`,
    });
  }
  const from = endpoint.url('');
  const isRelated = isOwnRealm(url, from) || isRelative(url, from);
  if (!withLogin || (isRelated && !isIdentityToken)) return url;
  const isTrusted = await trust?.isTrusted(registry, url);
  if (isTrusted) return url;
  const isKnown = isTrusted !== undefined;
  if (isRelated && !isKnown) return url;
  if (isSibling(url, from) && !isIdentityToken && !isKnown) return url;
  const host = excerpt(url.host);
  const server = registry === DEFAULT_REGISTRY ? '' : ` ${registry}`;
  if (isIdentityToken && isKnown) {
    throw new FinchError(
      'REGISTRY',
      `registry ${registry} wants your token to be sent to ${host}, which is not what gave it`,
      { hint: `log in again: finch login --username NAME${server}` },
    );
  }
  throw new FinchError(
    'REGISTRY',
    `registry ${registry} wants your login to be sent to ${host}, which is not known to belong to it`,
    { hint: `if you trust ${host} with it: finch login --trust-realm ${host}${server}` },
  );
}

/**
 * The `host[:port]` of a token server that the user means by HOST: one, with or without a scheme.
 * @throws FinchError `USAGE` when it is no host
 */
export function parseRealmHost(text: string): string {
  const url = parseWrittenAddress(text);
  if (url !== undefined && `${url.pathname}${url.search}${url.hash}` === '/') return url.host;
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
      const before = await trust?.isTrusted(registry, realm);
      if (before || !named.has(realm.host)) return before;
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

/** The names of this machine that are one host. */
const THIS_MACHINE: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Whether a token server is on the registry's own host. */
export function isOwnRealm({ hostname: realm }: URL, { hostname: registry }: URL): boolean {
  return realm === registry || (THIS_MACHINE.has(realm) && THIS_MACHINE.has(registry));
}

/** Whether a token server is above or below the registry by its name, or known to belong to it. */
function isRelative({ hostname: realm }: URL, { hostname: registry }: URL): boolean {
  if (isAddress(realm) || isAddress(registry)) return false;
  if (realm.endsWith(`.${registry}`)) return hasOwner(registry);
  if (registry.endsWith(`.${realm}`)) return hasOwner(realm);
  return KNOWN_PAIRS.some((pair) => pair.registry.test(registry) && pair.realm.test(realm));
}

/** Whether a token server has the same parent as the registry, which has one owner. */
function isSibling({ hostname: realm }: URL, { hostname: registry }: URL): boolean {
  if (isAddress(realm) || isAddress(registry)) return false;
  const parent = parentOf(registry);
  return parent === parentOf(realm) && hasOwner(parent);
}

function isAddress(hostname: string): boolean {
  return hostname.startsWith('[') || /^[\d.]+$/.test(hostname);
}

function parentOf(hostname: string): string {
  return hostname.slice(hostname.indexOf('.') + 1);
}
