import type { AbortOptions } from '../content.ts';
import { isJsonObject, type JsonObject } from '../oci/json.ts';
import { readAuthEntry } from './auth-entry.ts';
import { editConfigFile } from './config-file.ts';
import type { Credential } from './credential.ts';
import type { CredentialStore } from './credential-store.ts';
import { fileStore } from './file-store.ts';
import type { JsonEdit } from './json-edit.ts';
import type { LoginStores } from './login-stores.ts';
import type { SavedLogin } from './logins.ts';
import { platformHelper } from './platform-helper.ts';
import { isKeyOf, type ServerName } from './server-name.ts';

/** A login to keep. */
interface Saving extends AbortOptions {
  readonly server: ServerName;
  readonly credential: Credential;
}

/** How long a helper that could not keep a login has to forget an old one. */
const FORGET_MS = 3000;

/**
 * Keeps a login in the first place that takes it: the helpers that finch's own file names for the server;
 * where it names none, the operating system's own store; at last the file itself. What would be found
 * before it, and what the file holds of the same server unencrypted, is then forgotten.
 * @throws FinchError `CONFIG_INVALID`, `IO`
 */
export async function saveLogin(stores: LoginStores, saving: Saving): Promise<SavedLogin> {
  const { server, credential, signal } = saving;
  const { own } = stores;
  const chosen = await stores.helpersFor(server, own);
  const usual = chosen ? undefined : await platformHelper(stores, { signal });
  const broken: string[] = [];
  for (const name of chosen ?? (usual === undefined ? [] : [usual])) {
    const helper = stores.helper(name);
    const outcome = await offer(helper, { stores, saving });
    if (outcome === 'managed') return { kind: 'managed', place: helper.name };
    if (outcome === 'kept') {
      await editConfigFile(own.path, (config) => [
        ...(usual === undefined ? [] : pointerTo(usual, { config, server })),
        ...withoutSecrets(config, server),
      ]);
      await forgetIn(broken, { stores, saving, place: helper.name });
      return { kind: 'helper', place: helper.name };
    }
    if (outcome === 'broken' && chosen) broken.push(name);
  }
  await fileStore(own.path).store(server, credential, { signal });
  await stores.checkAccess(own);
  await forgetIn(broken, { stores, saving, place: own.path });
  return { kind: 'file', place: own.path };
}

/** What a helper makes of a login. One that keeps none may serve the server with credentials of its own. */
async function offer(
  helper: CredentialStore,
  { stores, saving }: { stores: LoginStores; saving: Saving },
): Promise<'kept' | 'managed' | 'refused' | 'broken'> {
  const { server, credential, signal } = saving;
  const isKept = await stores.attempt(helper.name, () =>
    helper.store(server, credential, { signal }),
  );
  if (isKept === undefined) return 'broken';
  if (isKept) return 'kept';
  const own = await stores.attempt(helper.name, () => helper.get(server, { signal }));
  return own ? 'managed' : 'refused';
}

/** Erases an old login from helpers that are asked before the place of the new one. */
async function forgetIn(
  names: readonly string[],
  { stores, saving, place }: { stores: LoginStores; saving: Saving; place: string },
): Promise<void> {
  const { server, signal } = saving;
  for (const name of names) {
    const helper = stores.helper(name, { timeoutMs: FORGET_MS });
    const rest = await stores.attempt(helper.name, async () => {
      await helper.erase(server, { signal });
      return { login: await helper.get(server, { signal }) };
    });
    if (rest && rest.login === undefined) continue;
    stores.options.report(
      `warning: the login for ${server.registry} is in ${place}, but ${helper.name} is asked first and may have an older one; log in again when it works`,
    );
  }
}

/**
 * Makes the configuration say which helper keeps the login. It names one for all servers only where no
 * other login would be hidden from docker, which looks into one place alone.
 */
function pointerTo(
  name: string,
  { config, server }: { config: JsonObject; server: ServerName },
): readonly JsonEdit[] {
  if (config['credsStore'] === name) return [];
  const isFree =
    !config['credsStore'] && keysWithSecrets(config).every((key) => isKeyOf(server, key));
  return [{ path: isFree ? ['credsStore'] : ['credHelpers', server.key], value: name }];
}

/** Removes the logins for a server that the file itself holds. */
function withoutSecrets(config: JsonObject, server: ServerName): readonly JsonEdit[] {
  const keys = keysWithSecrets(config).filter((key) => isKeyOf(server, key));
  return keys.map((key) => ({ path: ['auths', key], value: undefined }));
}

function keysWithSecrets(config: JsonObject): readonly string[] {
  const { auths } = config;
  return isJsonObject(auths) ? Object.keys(auths).filter((key) => holdsSecret(auths[key])) : [];
}

/** Whether there is a login in an entry, or something that cannot be read and may be one. */
function holdsSecret(entry: unknown): boolean {
  try {
    return readAuthEntry(entry) !== undefined;
  } catch {
    return true;
  }
}
