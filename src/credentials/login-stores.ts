import { hasCode } from '../errors.ts';
import { printable } from '../text.ts';
import { chosenHelpers } from './chosen-helpers.ts';
import { openToOthers, readConfigFile } from './config-file.ts';
import type { CredentialStore } from './credential-store.ts';
import { fileStore } from './file-store.ts';
import { emptyStore, helperStore, isOurs } from './helper-store.ts';
import type { LoginSource } from './login-source.ts';
import { type Environment, type LoginFile, loginFiles } from './places.ts';
import type { ServerName } from './server-name.ts';

/** What {@link LoginStores} needs to know of its surroundings. */
export interface LoginStoresOptions {
  readonly env: Environment;
  /** finch's own folder. */
  readonly home: string;
  /** Default: the one that this process runs on. */
  readonly platform?: NodeJS.Platform;
  /** Takes a line for the user about a place that cannot be used. */
  readonly report: (line: string) => void;
  /** Takes a line about what is done below. */
  readonly trace: (line: string) => void;
  /** The files that are looked at after finch's own. Default: those of docker and podman. */
  readonly others?: readonly LoginFile[];
  /** Makes the logins that are kept nowhere. */
  readonly source?: LoginSource | undefined;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** How long one run of a helper may take. Default: 30 s. */
  readonly timeoutMs?: number;
  /** Takes a line, once, while a helper takes long: it may be asking the user something that nobody sees. */
  readonly waiting?: (line: string) => void;
}

/** The stores of all logins: which there are for a server, and what happens when one cannot be used. */
export class LoginStores {
  /** In which logins are looked for, in order. */
  readonly files: readonly LoginFile[];
  /** The one in which finch keeps them, which is the first. */
  readonly own: LoginFile;
  readonly options: LoginStoresOptions & Required<Pick<LoginStoresOptions, 'platform' | 'now'>>;
  readonly #reported = new Set<string>();
  readonly #ours: CredentialStore | undefined;
  #isWaiting = false;

  /** @param ours what the helper `finch` keeps, where that is not finch's own file */
  constructor(options: LoginStoresOptions, { ours }: { readonly ours?: CredentialStore } = {}) {
    this.#ours = ours;
    const { platform = process.platform, now = Date.now } = options;
    // What files and helpers say is in these lines.
    const report = (line: string) => options.report(printable(line));
    this.options = { ...options, platform, now, report };
    const [own, ...usual] = loginFiles(this.options);
    this.own = own;
    this.files = [own, ...(options.others ?? usual)];
  }

  /** The helper `docker-credential-NAME`, which may have less time than usual. */
  helper(name: string, options: { readonly timeoutMs?: number } = {}): CredentialStore {
    if (this.#ours !== undefined && isOurs(name)) return this.#ours;
    const { env, home, platform, trace, source, timeoutMs = 30_000 } = this.options;
    // It is asked after every login that is kept.
    if (name === source?.helper) return emptyStore(name);
    const shortest = Math.min(timeoutMs, options.timeoutMs ?? timeoutMs);
    const onSlow = () => {
      if (!this.#isWaiting) this.options.waiting?.(`waiting for docker-credential-${name}…`);
      this.#isWaiting = true;
    };
    return helperStore(name, { env, home, platform, trace, onSlow, timeoutMs: shortest });
  }

  /** What makes logins for a server, if something does. */
  sourceFor(server: ServerName): LoginSource | undefined {
    const { source } = this.options;
    return source?.serves(server) ? source : undefined;
  }

  /**
   * The stores to ask for a server in one file, in order: the helpers, which may have less time than usual,
   * and then the file itself.
   * @throws FinchError `CONFIG_INVALID` or `IO` for finch's own file
   */
  async storesFor(
    server: ServerName,
    file: LoginFile,
    options: { readonly timeoutMs?: number } = {},
  ): Promise<readonly CredentialStore[]> {
    const names = await this.attempt(file.path, async () =>
      chosenHelpers(await readConfigFile(file.path), { server, file }),
    );
    return [...(names ?? []).map((name) => this.helper(name, options)), fileStore(file.path)];
  }

  /**
   * What `ask` gives. When a helper cannot be used, or a file that is not finch's own, the user is told once,
   * and the answer is undefined: it hides no login that is elsewhere.
   * @param place names the helper or the file
   * @throws FinchError `CONFIG_INVALID` or `IO` for finch's own file
   */
  async attempt<T>(place: string, ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await ask();
    } catch (error) {
      const mayFail = place === this.own.path ? [] : (['CONFIG_INVALID', 'IO'] as const);
      if (!hasCode(error, 'CREDENTIAL_STORE', ...mayFail)) throw error;
      this.reportOnce(place, [error.message, error.hint ?? []].flat().join('; '));
      return undefined;
    }
  }

  /** Tells the user when others can read a file of finch's own from which a login was taken. */
  async checkAccess({ path, isOwn }: LoginFile): Promise<void> {
    if (!isOwn || !(await openToOthers(path))) return;
    const what = `others can read the logins in ${path}; keep them private with: chmod 600 ${path}`;
    this.reportOnce(`access to ${path}`, what);
  }

  /** Tells the user what is wrong with a place, once in the life of the process. */
  reportOnce(place: string, what: string): void {
    if (this.#reported.has(place)) return;
    this.#reported.add(place);
    this.options.report(`warning: ${what}`);
  }
}
