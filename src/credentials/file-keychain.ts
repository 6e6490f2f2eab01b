import { FinchError } from '../errors.ts';
import type { JsonObject } from '../oci/json.ts';
import { editConfigFile, readConfigFile } from './config-file.ts';
import type { Credential, PasswordLogin } from './credential.ts';
import { isExactObject } from './exact-json.ts';
import type { Keychain } from './keychain.ts';
import { isKeyOf, type ServerName, serverName } from './server-name.ts';

/**
 * The {@link Keychain} of a `config.json`. The file is read each time it is asked, and need not exist.
 * @throws FinchError (from `credential`) `CONFIG_INVALID` when the file, or the entry, is broken
 */
export function fileKeychain(path: string): Keychain {
  return {
    async credential(registry) {
      const server = serverName(registry);
      const auths = authsOf(await readConfigFile(path), path);
      for (const key of keysOf(server, auths)) {
        const credential = readEntry(auths[key], { path, key });
        if (credential !== undefined) return credential;
      }
      return undefined;
    },
  };
}

/**
 * Keeps a login in a `config.json`, in place of every other for the same server.
 * @throws FinchError `CONFIG_INVALID`, `IO`
 */
export async function storeCredential(
  path: string,
  server: ServerName,
  { username, secret }: PasswordLogin,
): Promise<void> {
  const auth = Buffer.from(`${username}:${secret}`).toString('base64');
  await editConfigFile(path, (config) => {
    const auths = authsOf(config, path);
    const others = new Set(keysOf(server, auths).filter((key) => key !== server.key));
    const kept = Object.entries(auths).filter(([key]) => !others.has(key));
    return { ...config, auths: { ...Object.fromEntries(kept), [server.key]: { auth } } };
  });
}

/**
 * Forgets the logins for a server, however they are spelled.
 * @returns the keys that were removed; none when there was no login, and the file is then untouched
 * @throws FinchError `CONFIG_INVALID`, `IO`
 */
export async function eraseCredential(
  path: string,
  server: ServerName,
): Promise<readonly string[]> {
  const present = await readConfigFile(path);
  if (keysOf(server, authsOf(present, path)).length === 0) return [];
  let removed: readonly string[] = [];
  await editConfigFile(path, (config) => {
    const auths = authsOf(config, path);
    removed = keysOf(server, auths);
    if (removed.length === 0) return config;
    const kept = Object.entries(auths).filter(([key]) => !removed.includes(key));
    return { ...config, auths: Object.fromEntries(kept) };
  });
  return removed;
}

/** The keys of a server's logins: the usual spellings first, then the others in the file's order. */
function keysOf(server: ServerName, auths: JsonObject): readonly string[] {
  const usual = server.spellings.filter((key) => Object.hasOwn(auths, key));
  const others = Object.keys(auths).filter((key) => isKeyOf(server, key));
  return [...new Set([...usual, ...others])];
}

function authsOf(config: JsonObject, path: string): JsonObject {
  // Go programs write an empty map as null.
  const auths = config['auths'] ?? {};
  if (isExactObject(auths)) return auths;
  throw new FinchError('CONFIG_INVALID', `"auths" in ${path} is not an object`, {
    hint: 'correct the file, or move it away and log in again',
  });
}

/** The user name and password of an entry; undefined for one that keeps them elsewhere. */
function readEntry(
  entry: unknown,
  { path, key }: { path: string; key: string },
): Credential | undefined {
  if (!isExactObject(entry)) return undefined;
  const { auth, username, password } = entry;
  if (typeof auth === 'string' && auth !== '') {
    const text = Buffer.from(auth, 'base64')
      .toString('utf8')
      .replace(/(?<!\0)\0+$/, '');
    const colon = text.indexOf(':');
    if (colon > 0)
      return { kind: 'password', username: text.slice(0, colon), secret: text.slice(colon + 1) };
    throw new FinchError('CONFIG_INVALID', `the login for ${key} in ${path} cannot be read`, {
      hint: 'log in again, which replaces it',
    });
  }
  const isPair = typeof username === 'string' && typeof password === 'string' && username !== '';
  return isPair ? { kind: 'password', username, secret: password } : undefined;
}
