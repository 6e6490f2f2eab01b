import { FinchError } from '../errors.ts';
import type { Answers } from './answers.ts';
import { type Credential, isSame } from './credential.ts';
import { expiryOf } from './expiry.ts';
import type { KeychainOptions } from './keychain.ts';
import type { LoginStores } from './login-stores.ts';
import type { FoundLogin } from './logins.ts';
import type { LoginFile } from './places.ts';
import type { ServerName } from './server-name.ts';

/**
 * The first credential for a server in any place: of each file, in order, the helpers that it names for
 * the server and then the logins that it holds itself. Where there is none, one is made, if something makes
 * them for the server. It then also takes the place of those that have ended, as they say by the clock of this
 * machine or the registry has said, and the user hears of the first of them. Where none can be made, one that
 * has ended by the clock of this machine is given all the same: the registry has another.
 * @param answers what helpers have said, so that each is asked once: they can be slow
 * @throws FinchError `CONFIG_INVALID` or `IO` for finch's own file, of `LoginSource`
 */
export async function findLogin(
  stores: LoginStores,
  server: ServerName,
  { answers, ...asking }: KeychainOptions & { readonly answers: Answers<Credential | undefined> },
): Promise<FoundLogin | undefined> {
  const { repository, signal } = asking;
  const isMadeToo = stores.sourceFor(server) !== undefined;
  let ended: EndedLogin | undefined;
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
      const found = { credential, place, isOwn: file.isOwn };
      const expires = isMadeToo ? expiryOf(credential) : undefined;
      if (expires === undefined || credential.kind !== 'password') return found;
      const ending = { ...found, credential: { ...credential, expires } };
      const isRefused = asking.hasEnded === true && isSame(credential, asking.refused);
      if (!isRefused && expires.getTime() > stores.options.now()) return ending;
      const end = isRefused ? 'is refused as ended' : `ended at ${second(expires)}`;
      ended ??= { place, end, file, ...(!isRefused && { login: ending }) };
    }
  }
  return ended === undefined
    ? makeLogin(stores, server, asking)
    : inPlaceOf(ended, { stores, server, asking });
}

/** A login that is made for a server, past all that are kept. */
export async function makeLogin(
  stores: LoginStores,
  server: ServerName,
  asking: KeychainOptions,
): Promise<FoundLogin | undefined> {
  const made = await stores.sourceFor(server)?.make(server, asking);
  return made && { credential: made.credential, place: made.from, isOwn: false, isMade: true };
}

/** A kept login that says that it is good no more. */
interface EndedLogin {
  readonly place: string;
  /** How that is known. */
  readonly end: string;
  readonly file: LoginFile;
  /** What is given where none can be made; undefined where it is known that the registry refuses it. */
  readonly login?: FoundLogin;
}

/**
 * One that is made, or where that fails the ended one, unless the registry refuses it; undefined where none is
 * `needed`, or there is nothing better than what was refused.
 * @throws FinchError of `LoginSource` where the registry refuses the ended one
 */
async function inPlaceOf(
  { place, end, file, login }: EndedLogin,
  { stores, server, asking }: { stores: LoginStores; server: ServerName; asking: KeychainOptions },
): Promise<FoundLogin | undefined> {
  const { registry } = server;
  const ended = `the login for ${registry} in ${place} ${end}`;
  const tell = (what: string) => {
    const remove = `remove it with: ${programOf(file)} logout ${registry}`;
    stores.reportOnce(`end of ${registry}`, `${ended}; ${what}; ${remove}`);
  };
  try {
    const made = await makeLogin(stores, server, asking);
    if (made !== undefined) tell(`using ${made.place}`);
    else if (asking.afresh !== true) tell('going on without a login');
    return made;
  } catch (error) {
    const isGivenUp = login === undefined || asking.signal?.aborted === true;
    if (isGivenUp || !(error instanceof FinchError)) throw error;
    const why = 'it is tried all the same, because the clock of this machine may be wrong';
    const what = `${ended}, and there is no other: ${error.message}`;
    stores.reportOnce(`end of ${registry}`, `${what}; ${why}`);
    return login;
  }
}

/** A time as `2026-01-02T03:04:05Z`. */
function second(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z');
}

function programOf({ isOwn, format }: LoginFile): string {
  if (isOwn) return 'finch';
  return format === 'auth.json' ? 'podman' : 'docker';
}
