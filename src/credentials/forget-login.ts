import type { AbortOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import { fileStore } from './file-store.ts';
import type { LoginStores } from './login-stores.ts';
import type { ForgottenLogin, RemainingLogin } from './logins.ts';
import { isKeyOf, isPart, type ServerName } from './server-name.ts';

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
    ...(await partsIn(stores.own.path, server, { signal })),
  ];
  return { removed, remaining, failures: [...failures.values()] };
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

/** The logins for parts of a registry that a file holds. */
async function partsIn(
  path: string,
  server: ServerName,
  { signal }: AbortOptions,
): Promise<readonly RemainingLogin[]> {
  const kept = await fileStore(path).list({ signal });
  return kept
    .filter(({ key }) => isPart(key) && key !== server.key && isKeyOf(server, hostPart(key)))
    .map(({ key }) => ({ key, place: path, file: path }));
}

function hostPart(key: string): string {
  return /^(?:https?:\/\/)?[^/]*/i.exec(key)?.[0] ?? key;
}
