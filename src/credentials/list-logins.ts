import { hasCode } from '../errors.ts';
import { isJsonObject, type JsonObject } from '../oci/json.ts';
import { quote } from '../text.ts';
import { readAuthEntry } from './auth-entry.ts';
import { allHelpers, chosenHelpers } from './chosen-helpers.ts';
import { readConfigFile } from './config-file.ts';
import type { Credential } from './credential.ts';
import { expiryOf } from './expiry.ts';
import { fileStore } from './file-store.ts';
import type { LoginStores } from './login-stores.ts';
import type { ListedLogin, ListLoginsOptions } from './logins.ts';
import type { LoginFile } from './places.ts';
import { isPart, keyName, type ServerName } from './server-name.ts';

/** How long a helper has to give a secret of which only the expiry is wanted, and all have together. */
const EXPIRY_MS = 3000;
const ALL_EXPIRIES_MS = 5000;

/** The users that tokens of a short life have: those of Amazon ECR and of Azure's registry. */
const SHORT_LIVED_USERS = new Set(['AWS', '00000000-0000-0000-0000-000000000000']);

/** A file that has been read. */
interface OpenFile extends ListLoginsOptions {
  readonly stores: LoginStores;
  readonly file: LoginFile;
  readonly config: JsonObject;
  /** Until when helpers are asked for secrets, by `performance.now()`. */
  readonly deadline: number;
}

/** {@link Logins.list}. A place that cannot be asked has none. */
export async function listLogins(
  stores: LoginStores,
  { signal, expiry = true }: ListLoginsOptions = {},
): Promise<readonly ListedLogin[]> {
  const listed: ListedLogin[] = [];
  const deadline = expiry ? performance.now() + ALL_EXPIRIES_MS : 0;
  for (const file of stores.files) {
    const found = await stores.attempt(file.path, async () => {
      const open = { stores, file, config: await readConfigFile(file.path), signal, deadline };
      const helpers = allHelpers(open.config, file);
      const kept = await Array.fromAsync(helpers, (name) => loginsOfHelper(name, open));
      return [...kept.flat(), ...(await loginsOfFile(open))];
    });
    listed.push(...(found ?? []));
  }
  // Of several spellings in one place the first counts, as when one is looked for.
  const known = new Set<string>();
  const first = listed.filter(({ registry, place }) => {
    const key = JSON.stringify([registry, place]);
    return !known.has(key) && known.add(key);
  });
  return first.toSorted((a, b) => compare(a.registry, b.registry));
}

/** The logins of a helper, of those servers and parts of servers for which the file names it. */
async function loginsOfHelper(
  name: string,
  { stores, file, config, signal, deadline }: OpenFile,
): Promise<readonly ListedLogin[]> {
  const helper = stores.helper(name);
  const kept = await stores.attempt(helper.name, () => helper.list({ signal }));
  const listed: ListedLogin[] = [];
  for (const { key, username } of kept ?? []) {
    const server = keyName(key);
    if (server === undefined) continue;
    if (!chosenHelpers(config, { server, file })?.includes(name)) continue;
    // To see other secrets may mean to ask the user, or a registry.
    const isToken = username === undefined || SHORT_LIVED_USERS.has(username);
    const timeoutMs = Math.min(EXPIRY_MS, deadline - performance.now());
    const quick = stores.helper(name, { timeoutMs });
    const secret =
      timeoutMs > 0 && isToken ? await quietly(() => quick.get(server, { signal })) : undefined;
    listed.push({
      registry: shownName(server),
      username,
      place: helper.name,
      expires: secret && expiryOf(secret),
    });
  }
  return listed;
}

/** The logins that a file holds itself, also those for a part of a registry (`quay.io/team`). */
async function loginsOfFile({
  stores,
  file,
  config,
  signal,
}: OpenFile): Promise<readonly ListedLogin[]> {
  const auths = fileStore(file.path);
  for (const key of unreadableKeys(config)) {
    const what = `the login for ${quote(key)} in ${file.path} cannot be read`;
    stores.reportOnce(`${key} in ${file.path}`, what);
  }
  const listed: ListedLogin[] = [];
  for (const { key, username } of await auths.list({ signal })) {
    const server = keyName(key);
    if (server === undefined) continue;
    const login = await quietly(() => auths.get(server, { signal }));
    listed.push({
      registry: shownName(server),
      username: login?.kind === 'password' ? login.username : username,
      place: file.path,
      expires: login && expiryOf(login),
    });
  }
  return listed;
}

/** A part is shown as it is kept, since docker asks for its own by the whole key. */
function shownName({ registry, key }: ServerName): string {
  return isPart(key) ? key : registry;
}

function unreadableKeys({ auths }: JsonObject): readonly string[] {
  return isJsonObject(auths) ? Object.keys(auths).filter((key) => !isReadable(auths[key])) : [];
}

function isReadable(entry: unknown): boolean {
  try {
    readAuthEntry(entry);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** A secret that is only looked at, and is none when it cannot be read. */
async function quietly(
  get: () => Promise<Credential | undefined>,
): Promise<Credential | undefined> {
  try {
    return await get();
  } catch (error) {
    if (hasCode(error, 'CREDENTIAL_STORE', 'CONFIG_INVALID')) return undefined;
    throw error;
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
