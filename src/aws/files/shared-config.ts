import { userInfo } from 'node:os';
import { join } from 'node:path';
import { FinchError, systemCode } from '../../errors.ts';
import { ioError } from '../../host/io-error.ts';
import type { Environment } from '../surroundings.ts';
import { parseIni, type Settings } from './ini.ts';
import { splitCommand } from './split-command.ts';

/** The most bytes of a configuration file. */
const MAX_BYTES = 1024 * 1024;

/** A profile of the shared files. */
export interface Profile {
  readonly name: string;
  /** Of both files; where both have one of a name, that of the credentials file. */
  readonly settings: Settings;
  /** Those of the credentials file alone. */
  readonly credentials: Settings;
  /** Those of the config file alone. */
  readonly config: Settings;
}

/** What the AWS CLI's `config` and `credentials` files say. */
export interface SharedConfig {
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly ssoSessions: ReadonlyMap<string, Settings>;
  readonly services: ReadonlyMap<string, Settings>;
}

/** What no files say. */
export const NO_CONFIG: SharedConfig = {
  profiles: new Map(),
  ssoSessions: new Map(),
  services: new Map(),
};

/**
 * Reads the files that the AWS CLI reads, by `AWS_CONFIG_FILE`, `AWS_SHARED_CREDENTIALS_FILE` and the home folder. What
 * is not there, or is no file, is empty.
 * https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
 * @throws FinchError `AWS_IDENTITY` when one cannot be understood, `IO` when it cannot be read
 */
export async function readSharedConfig(env: Environment): Promise<SharedConfig> {
  const [configPath, credentialsPath] = sharedPaths(env);
  const [config, credentials] = await Promise.all([
    readSections(configPath),
    readSections(credentialsPath),
  ]);
  const kinds = {
    profile: new Map<string, Settings>(),
    'sso-session': new Map<string, Settings>(),
    services: new Map<string, Settings>(),
  };
  for (const [header, settings] of config) {
    if (header === 'default') kinds.profile.set(header, settings);
    const [kind, name, ...rest] = splitCommand(header) ?? [];
    if (name === undefined || rest.length > 0) continue;
    if (kind === 'profile' || kind === 'sso-session' || kind === 'services') {
      kinds[kind].set(name, settings);
    }
  }
  const profiles = new Map<string, Profile>();
  for (const name of new Set([...kinds.profile.keys(), ...credentials.keys()])) {
    const own = credentials.get(name) ?? new Map<string, string>();
    const shared = kinds.profile.get(name) ?? new Map<string, string>();
    const settings = new Map([...shared, ...own]);
    profiles.set(name, { name, settings, credentials: own, config: shared });
  }
  return { profiles, ssoSessions: kinds['sso-session'], services: kinds.services };
}

/** A path as the AWS CLI understands one in its settings: with `~`, `$NAME` and `${NAME}`. */
export function expandPath(path: string, env: Environment): string {
  const expanded = path.replace(
    /\$(?:(\w+)|\{([^}]*)\})/g,
    (whole, bare, braced) => env[bare ?? braced] ?? whole,
  );
  const home = homeFolder(env);
  return home === undefined ? expanded : expanded.replace(/^~(?=[/\\]|$)/, home);
}

/** The user's home folder: by the environment, or else by the system's list of users; undefined where neither says it. */
export function homeFolder(env: Environment): string | undefined {
  return env['HOME'] || env['USERPROFILE'] || listedHome();
}

function listedHome(): string | undefined {
  try {
    return userInfo().homedir || undefined;
  } catch {
    // In a container the process may run as somebody who is on no list.
    return undefined;
  }
}

/** Where the two files of the AWS CLI are to be, as far as that is known: `config`, `credentials`. */
export function sharedPaths(env: Environment): readonly [string | undefined, string | undefined] {
  return [
    sharedPath(env, { variable: 'AWS_CONFIG_FILE', name: 'config' }),
    sharedPath(env, { variable: 'AWS_SHARED_CREDENTIALS_FILE', name: 'credentials' }),
  ];
}

function sharedPath(
  env: Environment,
  { variable, name }: { readonly variable: string; readonly name: string },
): string | undefined {
  const named = env[variable];
  if (named) return expandPath(named, env);
  const home = homeFolder(env);
  return home && join(home, '.aws', name);
}

async function readSections(path: string | undefined): Promise<ReadonlyMap<string, Settings>> {
  const bytes = path && (await readSmallFile(path));
  if (!path || !bytes) return new Map();
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new FinchError('AWS_IDENTITY', `${path} is not UTF-8 text`, {
      hint: `save ${path} as UTF-8`,
      cause,
    });
  }
  return parseIni(text, { path });
}

/**
 * What is in a file of up to 1 MiB; undefined where no file is: a device or a pipe is none.
 * @throws FinchError `AWS_IDENTITY` when it is larger, `IO` when it cannot be read
 */
export async function readSmallFile(path: string): Promise<Uint8Array | undefined> {
  // Where the environment has the keys no file is read, and the module would cost half a millisecond.
  const { open, stat } = await import('node:fs/promises');
  try {
    if (!(await stat(path)).isFile()) return undefined;
    await using file = await open(path);
    const buffer = new Uint8Array(MAX_BYTES + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, length);
      length += bytesRead;
      if (bytesRead === 0) return buffer.subarray(0, length);
      if (length > MAX_BYTES) break;
    }
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined;
    const { message } = ioError(error, 'read', path);
    throw new FinchError('IO', message, { hint: `check it with: ls -l ${path}`, cause: error });
  }
  throw new FinchError('AWS_IDENTITY', `${path} has more than 1 MiB`, {
    hint: `make ${path} smaller, or name another one`,
  });
}
