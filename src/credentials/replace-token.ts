import { FinchError } from '../errors.ts';
import type { ReplacedCredential } from './keychain.ts';
import type { LoginStores } from './login-stores.ts';
import type { ServerName } from './server-name.ts';

/**
 * Keeps an identity token in the place of the one that its token server has replaced, if that is a place
 * which finch may change and still holds the old one: another process, or a new login, may have been
 * faster. Never fails, because what the token was asked for can go on; the user is told when the new one
 * could not be kept, which means to log in again.
 */
export async function replaceToken(
  stores: LoginStores,
  server: ServerName,
  { token, replaced, signal }: ReplacedCredential & { readonly token: string },
): Promise<void> {
  if (replaced.kind !== 'identity-token') return;
  const { trace } = stores.options;
  try {
    for (const store of await stores.storesFor(server, stores.own)) {
      const kept = await stores.attempt(store.name, () => store.get(server, { signal }));
      if (kept?.kind !== 'identity-token' || kept.token !== replaced.token) continue;
      if (!(await store.store(server, { ...kept, token }, { signal }))) {
        throw new FinchError('CREDENTIAL_STORE', `${store.name} keeps no logins`);
      }
      return trace(`the token server of ${server.registry} replaced the token in ${store.name}`);
    }
    trace(`the token server of ${server.registry} replaced a token that finch does not keep`);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const { registry } = server;
    const what = `the new token for ${registry} could not be kept, and the old one is good no more`;
    const next = `log in again with: finch login ${registry}`;
    stores.reportOnce(`token of ${registry}`, `${what}: ${why}; ${next}`);
  }
}
