import { chmod, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { LoginStoresOptions } from '../../src/credentials/login-stores.ts';
import type { Logins } from '../../src/credentials/logins.ts';
import { openLogins } from '../../src/credentials/open-logins.ts';
import { type FileHelper, writeFileHelper } from './helper-programs.ts';
import { temporaryFolder } from './temporary.ts';

/** What a {@link LoginPlaces.helper} does beside keeping logins. */
export interface HelperBehaviour {
  /** It keeps none, as `ecr-login`. */
  readonly keepsNone?: boolean;
  /** Lines of a shell script that stand before all others: the action is `$1`. */
  readonly first?: string;
}

/** A user's home, with every place in which logins may be. */
export interface LoginPlaces extends AsyncDisposable {
  readonly folder: string;
  /** finch's own `config.json`. */
  readonly own: string;
  /** Docker's. */
  readonly docker: string;
  /** Those of podman, in the order in which they are read. */
  readonly session: string;
  readonly lasting: string;
  readonly env: Readonly<Record<string, string>>;
  /** What the user and `--debug` were told. */
  readonly reports: string[];
  readonly traces: string[];
  /** Writes a file as JSON. */
  write(path: string, content: unknown): Promise<void>;
  json(path: string): Promise<unknown>;
  /** Installs a credential helper that keeps logins in a folder, with some to begin with. */
  helper(
    name: string,
    logins?: Readonly<Record<string, readonly [user: string, secret: string]>>,
    behaviour?: HelperBehaviour,
  ): Promise<void>;
  /** What a helper was asked, as `get https://index.docker.io/v1/`. */
  asked(name: string): Promise<readonly string[]>;
  /** The servers that a helper has logins for. */
  keptBy(name: string): Promise<readonly string[]>;
  logins(options?: Partial<LoginStoresOptions>): Logins;
}

/** Empty places, on Linux and without a session bus. */
export async function loginPlaces(): Promise<LoginPlaces> {
  const folder = await temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  const env = {
    PATH: `${at('bin')}:/usr/bin:/bin`,
    HOME: at('user'),
    XDG_RUNTIME_DIR: at('run'),
  };
  const reports: string[] = [];
  const traces: string[] = [];
  const helpers = new Map<string, FileHelper>();
  const write = async (path: string, content: unknown) => {
    await mkdir(dirname(path), { recursive: true });
    await Bun.write(path, JSON.stringify(content));
    await chmod(path, 0o600);
  };
  return {
    folder: folder.path,
    own: at('finch/config.json'),
    docker: at('user/.docker/config.json'),
    session: at('run/containers/auth.json'),
    lasting: at('user/.config/containers/auth.json'),
    ...{ env, reports, traces, write },
    json: (path) => Bun.file(path).json(),
    async helper(name, logins = {}, { keepsNone = false, first = '' } = {}) {
      const broken = keepsNone ? ['store', 'erase'] : [];
      const helper = await writeFileHelper(at('bin'), name, { broken, first });
      helpers.set(name, helper);
      for (const [server, login] of Object.entries(logins)) await helper.put(server, ...login);
    },
    asked: async (name) => (await helpers.get(name)?.asked()) ?? [],
    keptBy: async (name) => Object.keys((await helpers.get(name)?.kept()) ?? {}).sort(),
    logins(options) {
      return openLogins({
        ...{ env, home: at('finch'), platform: 'linux' },
        report: (line) => reports.push(line),
        trace: (line) => traces.push(line),
        ...options,
      });
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** An entry of `auths`. */
export function auth(user: string, secret: string): { readonly auth: string } {
  return { auth: Buffer.from(`${user}:${secret}`).toString('base64') };
}
