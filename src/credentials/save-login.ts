import type { AbortOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import { isJsonObject, type JsonObject } from '../oci/json.ts';
import { readAuthEntry } from './auth-entry.ts';
import { chosenHelpers, helperOf } from './chosen-helpers.ts';
import { editConfigFile, readConfigFile } from './config-file.ts';
import { type Credential, isSame } from './credential.ts';
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
 * Keeps a login in the first takes it: the helpers that finch's own file names for the server;
 * the operating system's own store, where none is named, or the one for all servers keeps no logins; at last
 * the file itself. What would be found before it, and what the file holds of the same server unencrypted,
 * is then forgotten.
 * @throws FinchError `CONFIG_INVALID`, `IO`
 */
export async function saveLogin(stores: LoginStores, saving: Saving): Promise<SavedLogin> {
  const { server, credential, signal } = saving;
  const { own } = stores;
  const config = await readConfigFile(own.path);
  const chosen = chosenHelpers(config, { server, file: own });
  // What makes logins for the server keeps none, and stays named for other programs.
  const made = stores.sourceFor(server)?.helper;
  const keepers = (chosen ?? []).filter((name) => name !== made);
  const offered = await offerInTurn(keepers, { stores, saving });
  const isOpen =
    chosen === undefined ||
    (offered.refused.length > 0 &&
      offered.refused.length === chosen.length &&
      helperOf(server, { config, file: own }) === undefined);
  const usual = isOpen ? await platformHelper(stores, { signal }) : undefined;
  const { taker } = usual === undefined ? offered : await offerInTurn([usual], { stores, saving });
  if (taker === undefined) {
    await fileStore(own.path).store(server, credential, { signal });
    await stores.checkAccess(own);
    for (const name of offered.refused) {
      stores.reportOnce(name, `docker-credential-${name} keeps no logins for ${server.registry}`);
    }
  } else {
    let isNew = false;
    await editConfigFile(own.path, (now) => {
      const pointer = usual === undefined ? [] : pointerTo(usual, { config: now, server });
      isNew = pointer.length > 0;
      return [...pointer, ...withoutSecrets(now, server)];
    });
    if (isNew) stores.options.report(`logins are kept by ${taker.place}, as ${own.path} says now`);
  }
  const saved: SavedLogin = taker ?? { kind: 'file', place: own.path };
  await forgetIn(offered.broken, { stores, saving, place: saved.place });
  return saved;
}

/** What came of an offer to several helpers. */
interface Offered {
  /** The first that took the login. */
  readonly taker: SavedLogin | undefined;
  /** Those before it that keep none, and those that should and could not. */
  readonly refused: readonly string[];
  readonly broken: readonly string[];
}

async function offerInTurn(
  names: readonly string[],
  { stores, saving }: { stores: LoginStores; saving: Saving },
): Promise<Offered> {
  const passed = { refused: [] as string[], broken: [] as string[] };
  for (const name of names) {
    const helper = stores.helper(name);
    const outcome = await offer(helper, { stores, saving });
    if (outcome === 'helper' || outcome === 'managed') {
      return { taker: { kind: outcome, place: helper.name }, ...passed };
    }
    passed[outcome].push(name);
  }
  return { taker: undefined, ...passed };
}

/** What a helper makes of a login. One that keeps none may serve the server with credentials of its own. */
async function offer(
  helper: CredentialStore,
  { stores, saving }: { stores: LoginStores; saving: Saving },
): Promise<'helper' | 'managed' | 'refused' | 'broken'> {
  const { server, credential, signal } = saving;
  const isKept = await stores.attempt(helper.name, async () => {
    if (!(await helper.store(server, credential, { signal }))) return false;
    // What is then removed elsewhere may be the only other copy.
    if (isSame(credential, await helper.get(server, { signal }))) return true;
    const what = `${helper.name} took the login for ${server.registry} and does not give it back`;
    throw new FinchError('CREDENTIAL_STORE', what, { hint: `try it with: ${helper.name} list` });
  });
  if (isKept === undefined) return 'broken';
  if (isKept) return 'helper';
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
    const isGone = await stores.attempt(helper.name, async () => {
      // One that is locked says of everything that it is not there.
      const isErased = (await helper.erase(server, { signal })).length > 0;
      return isErased && (await helper.get(server, { signal })) === undefined;
    });
    if (isGone) continue;
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
