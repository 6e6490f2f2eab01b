import { isJsonObject, type JsonObject } from '../../oci/json.ts';
import { passwordOf } from '../ecr/password.ts';
import { type EcrRegistry, parseEcrHost } from '../ecr-host.ts';
import type { RememberedToken } from './remembered-token.ts';

/** Tokens are good for twelve hours: whatever says more was not written by somebody who had asked. */
const MAX_LIFE_MS = 24 * 60 * 60 * 1000;

/** As RFC 3339, which is how Go writes times. https://www.rfc-editor.org/rfc/rfc3339#section-5.6 */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

/** What an entry of the cache says. */
interface CacheEntry {
  readonly registry: EcrRegistry;
  readonly remembered: RememberedToken;
}

/**
 * What an entry of the official helper's cache says; undefined when it is none that can be used: no user
 * `AWS`, no registry of Amazon ECR, or times that no token has. It may have ended.
 * @param now in milliseconds since 1970
 */
export function readCacheEntry(value: unknown, now: number): CacheEntry | undefined {
  if (!isJsonObject(value)) return undefined;
  const registry = registryOf(value);
  const secret = passwordOf(value['AuthorizationToken']);
  const requested = timeOf(value['RequestedAt']);
  const ends = endOf(value);
  if (registry === undefined || secret === undefined) return undefined;
  if (requested === undefined || ends === undefined) return undefined;
  if (requested > ends || ends > now + MAX_LIFE_MS) return undefined;
  const token = { username: 'AWS', secret, expires: new Date(ends) } as const;
  return { registry, remembered: { token, requested } };
}

/** An entry as the official helper writes it. */
export function writeCacheEntry(
  registry: EcrRegistry,
  { token, requested }: RememberedToken,
): JsonObject {
  return {
    AuthorizationToken: Buffer.from(`${token.username}:${token.secret}`).toString('base64'),
    RequestedAt: goTime(requested),
    ExpiresAt: goTime(token.expires.getTime()),
    ProxyEndpoint: `https://${registry.host}`,
    Service: serviceOf(registry),
  };
}

/** When an entry of any kind ends, in milliseconds since 1970, if it says so. */
export function endOf(value: unknown): number | undefined {
  return isJsonObject(value) ? timeOf(value['ExpiresAt']) : undefined;
}

/** Whether two hosts are the same registry: it may have names for FIPS 140 and for IPv6. */
export function isSameRegistry(a: EcrRegistry, b: EcrRegistry): boolean {
  if (a.kind === 'public' || b.kind === 'public') return a.kind === b.kind;
  return a.account === b.account && a.region === b.region;
}

function registryOf({ ProxyEndpoint: endpoint, Service: service }: JsonObject) {
  if (typeof endpoint !== 'string' || !endpoint.startsWith('https://')) return undefined;
  const registry = parseEcrHost(endpoint.slice('https://'.length));
  // The first versions knew one service only and did not name it.
  const named = service === undefined || service === '' ? 'ecr' : service;
  return registry !== undefined && named === serviceOf(registry) ? registry : undefined;
}

function serviceOf({ kind }: EcrRegistry): string {
  return kind === 'public' ? 'ecr-public' : 'ecr';
}

function timeOf(text: unknown): number | undefined {
  if (typeof text !== 'string' || !TIME.test(text)) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}

/** As Go writes a time: a fraction without zeros at its end. */
function goTime(time: number): string {
  return new Date(time).toISOString().replace(/\.?0+Z$/, 'Z');
}
