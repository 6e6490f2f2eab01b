import { Answers } from './answers.ts';
import type { Credential } from './credential.ts';
import { findLogin } from './find-login.ts';
import type { KeychainOptions } from './keychain.ts';
import { LoginStores, type LoginStoresOptions } from './login-stores.ts';
import type { FoundLogin, Logins } from './logins.ts';
import { type ServerName, serverName } from './server-name.ts';

/**
 * All logins of this user. Nothing is read before something is asked, and the same is not looked up twice
 * until a login changes.
 */
export function openLogins(options: LoginStoresOptions): Logins {
  const stores = new LoginStores(options);
  const { trace } = stores.options;
  const answers = new Answers<Credential | undefined>();
  const found = new Answers<FoundLogin | undefined>();
  const find = (server: ServerName, { repository, signal }: KeychainOptions = {}) => {
    const question = JSON.stringify([server.registry, repository]);
    const ask = async () => {
      const login = await findLogin(stores, server, { answers, repository, signal });
      const { registry } = server;
      trace(
        login
          ? `the login for ${registry} is from ${login.place}`
          : `there is no login for ${registry}`,
      );
      return login;
    };
    return found.get(question, ask, { signal });
  };
  const changing = async <T>(change: () => Promise<T>): Promise<T> => {
    try {
      return await change();
    } finally {
      answers.clear();
      found.clear();
    }
  };
  return {
    find,
    async credential(registry, abort) {
      return (await find(serverName(registry), abort))?.credential;
    },
    save: (server, credential, abort) =>
      changing(async () => {
        const { saveLogin } = await import('./save-login.ts');
        return saveLogin(stores, { server, credential, ...abort });
      }),
    forget: (server, abort) =>
      changing(async () => {
        const { forgetLogin } = await import('./forget-login.ts');
        return forgetLogin(stores, server, abort);
      }),
    async list(listing) {
      const { listLogins } = await import('./list-logins.ts');
      return listLogins(stores, listing);
    },
  };
}
