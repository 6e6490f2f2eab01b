import { join } from 'node:path';
import { isJsonObject, type JsonObject } from '../../oci/json.ts';
import type { EcrRegistry } from '../ecr-host.ts';
import { homeFolder } from '../files/shared-config.ts';
import type { AwsSurroundings } from '../surroundings.ts';
import { endOf, isSameRegistry, readCacheEntry, writeCacheEntry } from './cache-entry.ts';
import type { KeyName } from './key-name.ts';
import { readText } from './read-text.ts';
import { isUsable, type RememberedToken } from './remembered-token.ts';

/** The one version there is of the file. */
const VERSION = '1.0';

/** No cache is larger than this: 1 MiB, some three hundred tokens. */
const MAX_CACHE_BYTES = 1024 * 1024;

/** The tokens that are shared with the official helper, and by all finches. */
export interface TokenCache {
  /** What is remembered for a registry, whether or not it has ended; asked for with a key of one of those names. */
  get(registry: EcrRegistry, key: KeyName): Promise<RememberedToken | undefined>;
  /**
   * Remembers a token.
   * @throws FinchError `IO`; the system's error
   */
  put(registry: EcrRegistry, key: KeyName, remembered: RememberedToken): Promise<void>;
  /** The hosts of all registries for which it has a token that has not ended. */
  list(): Promise<readonly string[]>;
}

/**
 * The cache of the official helper, in its format; undefined where there is none to be: without a home, and
 * with `AWS_ECR_DISABLE_CACHE`. One that cannot be read, or is of a version that finch does not know, is
 * empty, and stays as it is.
 * https://github.com/awslabs/amazon-ecr-credential-helper/blob/v0.12.0/ecr-login/cache/file.go
 */
export function openTokenCache({ env, now }: AwsSurroundings): TokenCache | undefined {
  const folder = folderOf(env);
  if (folder === undefined || env['AWS_ECR_DISABLE_CACHE']) return undefined;
  const path = join(folder, 'cache.json');
  return {
    async get(registry, key) {
      const entries = read(path) ?? {};
      const found = namesFor(registry, key).flatMap((name) => {
        const entry = readCacheEntry(entries[name], now());
        return entry && isSameRegistry(entry.registry, registry) ? [entry.remembered] : [];
      });
      return found.toSorted((a, b) => endsAt(b) - endsAt(a))[0];
    },
    async put(registry, key, remembered) {
      const { editPrivateFile } = await import('./private-file.ts');
      await editPrivateFile(path, async () => {
        const entries = read(path);
        if (entries === undefined) return undefined;
        const entry = writeCacheEntry(registry, remembered);
        return textOf(withEntry(living(entries, now()), namesFor(registry, key), entry));
      });
    },
    async list() {
      const hosts = Object.values(read(path) ?? {}).flatMap((value) => {
        const entry = readCacheEntry(value, now());
        return entry && isUsable(entry.remembered, now()) ? [entry.registry.host] : [];
      });
      return [...new Set(hosts)].sort();
    },
  };
}

function folderOf(env: AwsSurroundings['env']): string | undefined {
  const named = env['AWS_ECR_CACHE_DIR'] || '~/.ecr';
  if (!/^~(?:[\\/]|$)/.test(named)) return named;
  const home = homeFolder(env);
  return home ? join(home, named.slice(1)) : undefined;
}

/** The names of an entry: the one by which it is written, then those by which it may be there. */
function namesFor(registry: EcrRegistry, { hash, legacy }: KeyName): readonly string[] {
  const keys = legacy === undefined ? [hash] : [hash, legacy];
  return keys.map((key) =>
    registry.kind === 'public'
      ? `ecr-public-${key}`
      : `${registry.region}-${key}-${registry.account}`,
  );
}

function endsAt({ token }: RememberedToken): number {
  return token.expires.getTime();
}

/** The entries of the cache at `path`; none when there is none or when it is no JSON; undefined when it is not to be touched. */
function read(path: string): JsonObject | undefined {
  const text = readText(path, MAX_CACHE_BYTES);
  if (text === undefined) return undefined;
  let cache: unknown;
  try {
    cache = JSON.parse(text);
  } catch {
    return {};
  }
  if (!isJsonObject(cache) || cache['Version'] !== VERSION) return undefined;
  const entries = cache['Registries'] ?? {};
  return isJsonObject(entries) ? entries : undefined;
}

function living(entries: JsonObject, now: number): JsonObject {
  const left = Object.entries(entries).filter(([, value]) => (endOf(value) ?? now + 1) > now);
  return Object.fromEntries(left);
}

/** The entries with one that has the first of its names, and all others that stand there already. */
function withEntry(
  entries: JsonObject,
  [name = '', ...others]: readonly string[],
  entry: JsonObject,
): JsonObject {
  const there = others.filter((other) => Object.hasOwn(entries, other));
  return { ...entries, ...Object.fromEntries([name, ...there].map((key) => [key, entry])) };
}

/** The file as Go writes it; undefined when it would be too large. */
function textOf(entries: JsonObject): string | undefined {
  const sorted = Object.entries(entries).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const cache = { Registries: Object.fromEntries(sorted), Version: VERSION };
  const text = JSON.stringify(cache, undefined, 2);
  return Buffer.byteLength(text) > MAX_CACHE_BYTES ? undefined : text;
}
