import type { AbortOptions } from '../content.ts';
import type { LoginStores } from './login-stores.ts';
import type { ForgottenLogin, RemainingLogin } from './logins.ts';
import type { ServerName } from './server-name.ts';

/**
 * Removes the logins for a server, in every spelling, from the helpers that finch's own file names for it
 * and from the file, and looks where one remains. Which helper is named stays as it is: that says where
 * the next login goes, and the user may have written it.
 * @throws FinchError `CREDENTIAL_STORE` when a helper could not be asked, after the others have; `CONFIG_INVALID`, `IO`
 */
export async function forgetLogin(
  stores: LoginStores,
  server: ServerName,
  { signal }: AbortOptions = {},
): Promise<ForgottenLogin> {
  const removed: { readonly key: string; readonly place: string }[] = [];
  const failures: unknown[] = [];
  for (const store of await stores.storesFor(server, stores.own)) {
    try {
      const keys = await store.erase(server, { signal });
      removed.push(...keys.map((key) => ({ key, place: store.name })));
    } catch (error) {
      signal?.throwIfAborted();
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return { removed, remaining: await placesWith(stores, server, { signal }) };
}

/** The places in which there is a login for a server, each once. */
async function placesWith(
  stores: LoginStores,
  server: ServerName,
  { signal }: AbortOptions,
): Promise<readonly RemainingLogin[]> {
  const remaining: RemainingLogin[] = [];
  for (const file of stores.files) {
    for (const store of await stores.storesFor(server, file)) {
      const place = store.name;
      if (remaining.some((login) => login.place === place)) continue;
      const login = await stores.attempt(store.name, () => store.get(server, { signal }));
      if (login !== undefined) remaining.push({ place, file: file.path });
    }
  }
  return remaining;
}
