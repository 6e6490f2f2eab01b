import type { AbortOptions } from '../content.ts';
import { FinchError, hasCode } from '../errors.ts';
import type { CredentialStore, KeptLogin } from './credential-store.ts';
import type { LoginStores } from './login-stores.ts';
import type { ForgottenLogin, FoundLogin, RemainingLogin } from './logins.ts';
import { keyName, type ServerName } from './server-name.ts';

/** How long a helper has to list what it keeps for parts of a registry. */
const LIST_MS = 3000;

/**
 * Removes the logins for a server, in every spelling, from the helpers that finch's own file names for it
 * and from the file, and looks where one remains. Which helper is named stays as it is: that says where
 * the next login goes, and the user may have written it.
 * @throws FinchError `CONFIG_INVALID`, `IO` when finch's own file cannot be read
 */
export async function forgetLogin(
  stores: LoginStores,
  server: ServerName,
  { signal }: AbortOptions = {},
): Promise<ForgottenLogin> {
  const removed: { readonly key: string; readonly place: string }[] = [];
  const failures = new Map<string, FinchError>();
  for (const store of await stores.storesFor(server, stores.own)) {
    try {
      const keys = await store.erase(server, { signal });
      removed.push(...keys.map((key) => ({ key, place: store.name })));
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof FinchError)) throw error;
      failures.set(store.name, error);
    }
  }
  const remaining = [
    ...(await placesWith(stores, server, { except: failures, signal })),
    ...(await partsOf(server, stores, { signal })),
  ];
  const made = stores.sourceFor(server)?.name;
  const failed = [...failures.values()];
  return { removed, remaining, failures: failed, ...(made !== undefined && { made }) };
}

/**
 * Removes one login that was found, from the place where that was, if finch may change it.
 * @returns the keys that were removed
 * @throws FinchError `CREDENTIAL_STORE`, `CONFIG_INVALID`, `IO`
 */
export async function forgetFound(
  stores: LoginStores,
  server: ServerName,
  { found, signal }: AbortOptions & { readonly found: FoundLogin },
): Promise<readonly string[]> {
  const { credential: only, place, isOwn } = found;
  if (!isOwn) return [];
  const all = await stores.storesFor(server, stores.own);
  const store = all.find(({ name }) => name === place);
  return (await store?.erase(server, { only, signal })) ?? [];
}

/** The places in which there is a login for a server, each once. */
async function placesWith(
  stores: LoginStores,
  server: ServerName,
  { except, signal }: AbortOptions & { readonly except: ReadonlyMap<string, unknown> },
): Promise<readonly RemainingLogin[]> {
  const remaining: RemainingLogin[] = [];
  for (const file of stores.files) {
    for (const store of await stores.storesFor(server, file)) {
      const place = store.name;
      if (except.has(place) || remaining.some((login) => login.place === place)) continue;
      const login = await stores.attempt(store.name, () => store.get(server, { signal }));
      if (login === undefined) continue;
      remaining.push({ key: server.registry, place, file: file.path });
    }
  }
  return remaining;
}

/** The logins for parts of a registry in the places that finch may change. */
async function partsOf(
  server: ServerName,
  stores: LoginStores,
  { signal }: AbortOptions,
): Promise<readonly RemainingLogin[]> {
  const { own } = stores;
  const remaining: RemainingLogin[] = [];
  for (const store of await stores.storesFor(server, own, { timeoutMs: LIST_MS })) {
    for (const { key } of await listed(store, { signal })) {
      const part = keyName(key);
      if (!part?.registry.startsWith(`${server.registry}/`)) continue;
      const places = await stores.storesFor(part, own);
      if (!places.some(({ name }) => name === store.name)) continue;
      remaining.push({ key, place: store.name, file: own.path });
    }
  }
  return remaining;
}

/** What a store lists. Where it cannot, parts go without their line, which is only good to know. */
async function listed(
  store: CredentialStore,
  options: AbortOptions,
): Promise<readonly KeptLogin[]> {
  try {
    return await store.list(options);
  } catch (error) {
    if (hasCode(error, 'CREDENTIAL_STORE')) return [];
    throw error;
  }
}
