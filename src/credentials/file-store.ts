import { FinchError } from '../errors.ts';
import { hideSecret } from '../http/redact.ts';
import { isJsonObject, type JsonObject } from '../oci/json.ts';
import { quote } from '../text.ts';
import { type AuthEntry, readAuthEntry, writeAuthEntry } from './auth-entry.ts';
import { editConfigFile, readConfigFile } from './config-file.ts';
import { type Credential, isSame } from './credential.ts';
import type { CredentialStore } from './credential-store.ts';
import type { JsonEdit } from './json-edit.ts';
import { isKeyOf, type ServerName } from './server-name.ts';

/**
 * The {@link CredentialStore} of the `auths` in a `config.json`, or in an `auth.json` of podman and its
 * kin, where a login may be for a part of a registry (`quay.io/team`): the one for the longest part of
 * the repository wins. The file is read each time the store is asked, and need not exist.
 * https://github.com/containers/image/blob/v5.36.2/docs/containers-auth.json.5.md
 */
export function fileStore(path: string): CredentialStore {
  return {
    name: path,
    async get(server, { repository } = {}) {
      const auths = authsOf(await readConfigFile(path), path);
      for (const key of [...keysOfParts(server, repository), ...keysOf(server, auths)]) {
        const entry = readEntry(auths, key, path);
        if (entry !== undefined) return entry.credential;
      }
      return undefined;
    },
    async store(server, credential) {
      await editConfigFile(path, (config) => {
        const auths = authsOf(config, path);
        const others = keysOf(server, auths).filter((key) => key !== server.key);
        const edits = editsOf(auths[server.key], ['auths', server.key], credential);
        return [...edits, ...others.map((key) => ({ path: ['auths', key], value: undefined }))];
      });
      return true;
    },
    async erase(server, { only } = {}) {
      let removed: readonly string[] = [];
      await editConfigFile(path, (config) => {
        const auths = authsOf(config, path);
        removed = keysOf(server, auths).filter(
          (key) => only === undefined || isSame(only, readable(auths, key)?.credential),
        );
        return removed.map((key) => ({ path: ['auths', key], value: undefined }));
      });
      return removed;
    },
    async list() {
      const auths = authsOf(await readConfigFile(path), path);
      return Object.keys(auths).flatMap((key) => {
        const username = usernameOf(auths, key);
        return username === undefined ? [] : [{ key, ...username }];
      });
    },
  };
}

/**
 * Changes the members of an entry that make its login; all others stay. What is no object holds nothing
 * that could stay, and is replaced.
 */
function editsOf(
  entry: unknown,
  path: readonly string[],
  credential: Credential,
): readonly JsonEdit[] {
  const members = Object.entries(writeAuthEntry(credential));
  if (!isJsonObject(entry)) {
    return [{ path, value: Object.fromEntries(members) }];
  }
  return members.map(([name, value]) => ({ path: [...path, name], value }));
}

/** The keys under which a login for a part of the registry may be, the longest first. */
function keysOfParts({ registry }: ServerName, repository: string | undefined): readonly string[] {
  const parts = repository === undefined ? [] : repository.split('/');
  return parts.map((_, i) => [registry, ...parts.slice(0, parts.length - i)].join('/'));
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
  if (isJsonObject(auths)) return auths;
  throw new FinchError('CONFIG_INVALID', `"auths" in ${path} is not an object`, {
    hint: 'correct the file, or move it away and log in again',
  });
}

function readEntry(auths: JsonObject, key: string, path: string): AuthEntry | undefined {
  try {
    const entry = Object.hasOwn(auths, key) ? readAuthEntry(auths[key]) : undefined;
    if (entry !== undefined) hideLogin(entry);
    return entry;
  } catch (cause) {
    throw new FinchError(
      'CONFIG_INVALID',
      `the login for ${quote(key)} in ${path} cannot be read`,
      {
        hint: 'log in again with --username, which replaces it',
        cause,
      },
    );
  }
}

/** The user name of a login, if there is a login. */
function usernameOf(auths: JsonObject, key: string): Pick<AuthEntry, 'username'> | undefined {
  const entry = readable(auths, key);
  return entry && { username: entry.username };
}

/** A login, if there is one; one that cannot be read is none. */
function readable(auths: JsonObject, key: string): AuthEntry | undefined {
  try {
    return readAuthEntry(auths[key]);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function hideLogin({ credential }: AuthEntry): void {
  if (credential.kind === 'password') hideSecret(credential.secret, { user: credential.username });
  else hideSecret(credential.token);
}
