import type { Answers } from './answers.ts';
import type { Credential } from './credential.ts';
import type { KeychainOptions } from './keychain.ts';
import type { LoginStores } from './login-stores.ts';
import type { FoundLogin } from './logins.ts';
import type { ServerName } from './server-name.ts';

/**
 * The first credential for a server in any place: of each file, in order, the helpers that it names for
 * the server and then the logins that it holds itself.
 * @param answers what helpers have said, so that each is asked once: they can be slow
 * @throws FinchError `CONFIG_INVALID` or `IO` for finch's own file
 */
export async function findLogin(
  stores: LoginStores,
  server: ServerName,
  {
    answers,
    repository,
    signal,
  }: KeychainOptions & { readonly answers: Answers<Credential | undefined> },
): Promise<FoundLogin | undefined> {
  for (const file of stores.files) {
    for (const store of await stores.storesFor(server, file)) {
      const { name: place } = store;
      const ask = () => store.get(server, { repository, signal });
      // A helper knows no repositories, and can be slow.
      const question = JSON.stringify([place, server.registry]);
      const credential = await stores.attempt(place, () =>
        place === file.path ? ask() : answers.get(question, ask, { signal }),
      );
      if (credential === undefined) continue;
      if (place === file.path) await stores.checkAccess(file);
      return { credential, place, isOwn: file.isOwn };
    }
  }
  return undefined;
}
