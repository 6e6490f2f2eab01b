import { join, resolve } from 'node:path';

/** The variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A file with logins, and with the names of the helpers that keep others. */
export interface LoginFile {
  readonly path: string;
  /** Whether finch keeps logins there. The others it only reads. */
  readonly isOwn: boolean;
  /** Whether it is in finch's home, and so what `finch` stands for as the name of a helper. */
  readonly isHome: boolean;
  /**
   * `auth.json` is podman's, buildah's and skopeo's, which know no `credsStore`. Of a file of `auths` nothing
   * else counts.
   */
  readonly format: 'config.json' | 'auth.json' | 'auths';
}

/** Around which places are looked for. */
export interface PlacesOptions {
  readonly env: Environment;
  /** finch's own folder. */
  readonly home: string;
  readonly platform: NodeJS.Platform;
}

/** The file that finch keeps logins in: `$DOCKER_CONFIG/config.json`, else `config.json` in its home. */
export function ownConfigPath(env: Environment, home: string): string {
  return join(env['DOCKER_CONFIG'] || home, 'config.json');
}

/**
 * The files in which logins are looked for, in order: finch's own, docker's, and those of podman, buildah
 * and skopeo. `DOCKER_CONFIG` stands in the place of `~/.docker`, and `REGISTRY_AUTH_FILE` in the place of
 * all of the last kind.
 * https://github.com/containers/image/blob/v5.34.0/docs/containers-auth.json.5.md
 */
export function loginFiles({
  env,
  home,
  platform,
}: PlacesOptions): readonly [own: LoginFile, ...foreign: LoginFile[]] {
  const path = ownConfigPath(env, home);
  const isHome = resolve(path) === resolve(home, 'config.json');
  const own = { path, isOwn: true, isHome, format: 'config.json' } as const;
  const user = env['HOME'] || env['USERPROFILE'];
  const docker = env['DOCKER_CONFIG'] || !user ? [] : [join(user, '.docker/config.json')];
  const foreign: readonly LoginFile[] = [
    ...docker.map((path) => ({
      path,
      isOwn: false,
      isHome: false,
      format: 'config.json' as const,
    })),
    ...authFiles(env, { user, platform }).map((path) => ({
      ...{ path, isOwn: false, isHome: false, format: 'auth.json' as const },
    })),
  ];
  return [own, ...foreign.filter(({ path }) => path !== own.path)];
}

function authFiles(
  env: Environment,
  { user, platform }: { user: string | undefined; platform: NodeJS.Platform },
): readonly string[] {
  const only = env['REGISTRY_AUTH_FILE'];
  if (only) return [only];
  const folder = env['XDG_CONFIG_HOME'] || (user && join(user, '.config'));
  const lasting = folder ? [join(folder, 'containers/auth.json')] : [];
  return [...sessionFile(env, platform), ...lasting];
}

/** Where podman keeps what goes away with the session, and where for who has none, as under `sudo`. */
function sessionFile(env: Environment, platform: NodeJS.Platform): readonly string[] {
  const folder = env['XDG_RUNTIME_DIR'];
  if (folder) return [join(folder, 'containers/auth.json')];
  return platform === 'linux' ? [`/run/containers/${process.getuid?.() ?? 0}/auth.json`] : [];
}
