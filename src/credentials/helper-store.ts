import type { AbortOptions } from '../content.ts';
import { FinchError, hasCode } from '../errors.ts';
import { hideSecret } from '../http/redact.ts';
import { type Credential, isSame } from './credential.ts';
import type { CredentialStore, EraseOptions, KeptLogin } from './credential-store.ts';
import {
  fromHelperLogin,
  type HelperLogin,
  parseGetAnswer,
  parseListAnswer,
  toHelperLogin,
} from './helper-protocol.ts';
import {
  askingHelpers,
  type HelperAnswer,
  type HelperOptions,
  type HelperRequest,
  runHelper,
} from './run-helper.ts';
import { isKeyOf, isPart, type ServerName } from './server-name.ts';

/** Whether a helper is finch's own, which is this program. */
export function isOurs(helper: string): boolean {
  return /^finch(?:\.exe)?$/i.test(helper);
}

/** How long a helper may take for what only makes an answer better: the list of what it keeps. */
const LIST_MS = 10_000;

/**
 * The logins that `docker-credential-HELPER` keeps. One that would ask finch again, and so without end, is
 * never run: finch's own, and one that is already asking. It has no logins, and takes none.
 * @param helper the name behind `docker-credential-`, as `config.json` has it; checked when it is used
 */
export function helperStore(helper: string, options: HelperOptions): CredentialStore {
  const asksUs = isOurs(helper) || askingHelpers(options.env).includes(helper);
  return asksUs ? emptyStore(helper) : new HelperStore(helper, options);
}

/** What stands for a helper that is not run: it has no logins, and takes none. */
export function emptyStore(helper: string): CredentialStore {
  return {
    name: `docker-credential-${helper}`,
    get: async () => undefined,
    store: async () => false,
    erase: async () => [],
    list: async () => [],
  };
}

/** What may differ from one run to the next. */
type RunSettings = AbortOptions & Pick<HelperOptions, 'timeoutMs'>;

class HelperStore implements CredentialStore {
  readonly name: string;
  readonly #helper: string;
  readonly #options: HelperOptions;

  constructor(helper: string, options: HelperOptions) {
    this.name = `docker-credential-${helper}`;
    this.#helper = helper;
    this.#options = options;
  }

  async get(server: ServerName, options: AbortOptions = {}): Promise<Credential | undefined> {
    for (const key of usualKeys(server)) {
      const found = await this.#getKey(server, key, options);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async store(
    server: ServerName,
    credential: Credential,
    options: AbortOptions = {},
  ): Promise<boolean> {
    const login = this.#keepable(credential);
    if (login === undefined) return false;
    const { key } = server;
    const request: HelperRequest = { action: 'store', key, login };
    if ((await this.#run(request, options)).kind !== 'done') return false;
    for (const other of (await this.#listed(server, options)) ?? []) {
      if (other.key === key && other.username === usernameOf(credential)) continue;
      const isErased = await this.#attempt(() => this.#eraseKey(other.key, options));
      // Those of Debian keep every user of a server, and give the one that comes first.
      if (isErased && other.key === key) await this.#run(request, options);
    }
    return true;
  }

  async erase(
    server: ServerName,
    { only, ...options }: EraseOptions = {},
  ): Promise<readonly string[]> {
    const listed = await this.#listed(server, options);
    const isListed = listed !== undefined && listed.length > 0;
    const isThere = async (key: string) =>
      isListed
        ? (await this.#listed(server, options))?.some((login) => login.key === key)
        : (await this.#getKey(server, key, options)) !== undefined;
    // Some keep every user of a server, give the one that comes first, and erase any.
    const isAlone = async (key: string, login: Credential) =>
      (listed?.filter((other) => other.key === key).length ?? 0) < 2 &&
      isSame(login, await this.#getKey(server, key, options));
    const removed: string[] = [];
    for (const key of isListed ? listed.map((login) => login.key) : usualKeys(server)) {
      // Most helpers erase what is not there without a word.
      if (!isListed && !(await isThere(key))) continue;
      if (only !== undefined && !(await isAlone(key, only))) continue;
      if (!(await this.#eraseKey(key, options))) continue;
      if (!(await isThere(key))) removed.push(key);
      // With a locked keyring, that of Debian says that it has erased what it still keeps. What a helper
      // gives and does not list it makes itself.
      else if (isListed || listed === undefined) throw this.#unerased(key);
    }
    return removed;
  }

  async list(options: RunSettings = {}): Promise<readonly KeptLogin[]> {
    return (await this.#all(options)) ?? [];
  }

  /** Undefined for a helper that does not list what it keeps. */
  async #all(options: RunSettings): Promise<readonly KeptLogin[] | undefined> {
    const answer = await this.#run({ action: 'list' }, options);
    return answer.kind === 'done' ? parseListAnswer(answer.stdout, this.name) : undefined;
  }

  async #getKey(
    server: ServerName,
    key: string,
    options: AbortOptions,
  ): Promise<Credential | undefined> {
    const answer = await this.#run({ action: 'get', key }, options);
    if (answer.kind !== 'done') return undefined;
    const found = parseGetAnswer(answer.stdout, { helper: this.name, server });
    if (found !== undefined) hideCredential(found);
    return found;
  }

  /** Whether there was something to erase, as far as the helper says. */
  async #eraseKey(key: string, options: AbortOptions): Promise<boolean> {
    return (await this.#run({ action: 'erase', key }, options)).kind === 'done';
  }

  /** The logins for a server, whichever way they are spelled; undefined where the helper cannot list them. */
  async #listed(
    server: ServerName,
    options: AbortOptions,
  ): Promise<readonly KeptLogin[] | undefined> {
    const timeoutMs = Math.min(this.#options.timeoutMs ?? LIST_MS, LIST_MS);
    const all = await this.#attempt(() => this.#all({ ...options, timeoutMs }));
    return all?.filter(({ key }) => isKeyOf(server, key));
  }

  /** What `ask` gives; undefined when the helper fails. */
  async #attempt<T>(ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await ask();
    } catch (error) {
      if (hasCode(error, 'CREDENTIAL_STORE')) return undefined;
      throw error;
    }
  }

  /** A credential as the helper gets it; undefined for one that helpers cannot keep. */
  #keepable(credential: Credential): HelperLogin | undefined {
    hideCredential(credential);
    const login = toHelperLogin(credential);
    const back = login && fromHelperLogin(login);
    if (typeof back !== 'string') return login;
    throw new FinchError('CREDENTIAL_STORE', `${this.name} cannot keep the login: it ${back}`, {
      hint: 'log in with another user name or password',
    });
  }

  #unerased(key: string): FinchError {
    return new FinchError('CREDENTIAL_STORE', `${this.name} still has the login for ${key}`, {
      hint: `it may be locked: unlock it and try again with: finch logout ${key}`,
    });
  }

  #run(request: HelperRequest, options: RunSettings): Promise<HelperAnswer> {
    return runHelper(this.#helper, request, { ...this.#options, ...options });
  }
}

/** The keys that a login is looked for under; each costs a run of the helper. */
function usualKeys({ registry, key }: ServerName): readonly string[] {
  if (isPart(key)) return [key];
  // podman and skopeo keep Docker Hub under its name.
  return [key, key === registry ? `https://${registry}` : registry];
}

function usernameOf(credential: Credential): string | undefined {
  return credential.kind === 'password' ? credential.username : undefined;
}

function hideCredential(credential: Credential): void {
  if (credential.kind === 'password') {
    hideSecret(credential.secret, { user: credential.username });
  } else {
    hideSecret(credential.token);
  }
}
