import { resolve } from 'node:path';
import { Answers } from './answers.ts';
import { type Credential, isSame } from './credential.ts';
import type { CredentialStore } from './credential-store.ts';
import { findLogin, makeLogin } from './find-login.ts';
import type { KeychainOptions } from './keychain.ts';
import { LoginStores, type LoginStoresOptions } from './login-stores.ts';
import type { FoundLogin, Logins } from './logins.ts';
import { ownConfigPath } from './places.ts';
import { type ServerName, serverName } from './server-name.ts';
import { unencrypted } from './unencrypted.ts';

/**
 * All logins of this user. Nothing is read before something is asked, and the same is not looked up twice
 * until a login changes.
 */
export function openLogins(options: LoginStoresOptions): Logins {
  const ours = isElsewhere(options) ? storeOfHome(options) : undefined;
  const stores = new LoginStores(options, { ...(ours && { ours }) });
  const { trace } = stores.options;
  const answers = new Answers<Credential | undefined>();
  const found = new Answers<FoundLogin | undefined>();
  const forgetAnswers = () => {
    answers.clear();
    found.clear();
  };
  const find = (server: ServerName, asking: KeychainOptions = {}) => {
    const { repository, afresh = false, needed, signal } = asking;
    if (afresh) forgetAnswers();
    const question = JSON.stringify([server.registry, repository, needed]);
    const ask = async () => {
      const login = await findLogin(stores, server, { ...asking, answers });
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
      forgetAnswers();
    }
  };
  return {
    find,
    make: (server, asking = {}) => makeLogin(stores, server, asking),
    async credential(registry, abort) {
      return (await find(serverName(registry), abort))?.credential;
    },
    save: (server, credential, abort) =>
      changing(async () => {
        const { saveLogin } = await import('./save-login.ts');
        return saveLogin(stores, { server, credential, ...abort });
      }),
    replaceToken: (registry, token, options) =>
      changing(async () => {
        const { replaceToken } = await import('./replace-token.ts');
        await replaceToken(stores, serverName(registry), { ...options, token });
      }),
    forget: (server, abort) =>
      changing(async () => {
        const { forgetLogin } = await import('./forget-login.ts');
        return forgetLogin(stores, server, abort);
      }),
    forgetFound: (server, login, abort) =>
      changing(async () => {
        const { forgetFound } = await import('./forget-login.ts');
        return forgetFound(stores, server, { ...abort, found: login });
      }),
    async list(listing) {
      const { listLogins } = await import('./list-logins.ts');
      return listLogins(stores, listing);
    },
  };
}

/** Whether finch's own file is not the one in its home, which its helper stands for. */
function isElsewhere({ env, home }: LoginStoresOptions): boolean {
  return resolve(ownConfigPath(env, home)) !== resolve(ownConfigPath({}, home));
}

/** What docker is given, and gives, when its configuration names the helper `finch`. */
function storeOfHome(options: LoginStoresOptions): CredentialStore {
  const { DOCKER_CONFIG: _, ...env } = options.env;
  const { source, ...around } = options;
  // What it has not is made for whoever asks it, after all other places.
  const kept = source && { ...source, serves: () => false };
  const logins = openLogins({ ...around, env, source: kept, others: [] });
  return {
    name: 'docker-credential-finch',
    get: async (server, abort) =>
      (await logins.find(server, { ...abort, afresh: true }))?.credential,
    async store(server, credential, abort) {
      const { kind, place } = await logins.save(server, credential, abort);
      if (kind === 'file') options.report(unencrypted(credential, place));
      return kind !== 'managed';
    },
    async erase(server, { only, ...abort } = {}) {
      if (only !== undefined) {
        const login = await logins.find(server, { ...abort, afresh: true });
        const isIt = login !== undefined && isSame(only, login.credential);
        return isIt ? logins.forgetFound(server, login, abort) : [];
      }
      const { removed, failures } = await logins.forget(server, abort);
      if (failures[0] !== undefined) throw failures[0];
      return removed.map(({ key }) => key);
    },
    async list(abort) {
      const listed = await logins.list({ ...abort, expiry: false });
      return listed.map(({ registry, username }) => ({ key: registry, username }));
    },
  };
}
