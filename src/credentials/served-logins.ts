import { join, resolve } from 'node:path';
import { fileStore } from './file-store.ts';
import type { Logins } from './logins.ts';
import { openLogins } from './open-logins.ts';
import { trustedRealms } from './trusted-realms.ts';
import { unencrypted } from './unencrypted.ts';

/** What {@link servedLogins} needs to know of its surroundings. */
export interface ServedLoginsOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `FINCH_HOME`. */
  readonly home: string;
  /** Takes a line about a place that could not be asked. */
  readonly report: (line: string) => void;
  readonly trace: (line: string) => void;
}

/** The logins that finch gives to other programs, as their credential helper. */
export type ServedLogins = Pick<Logins, 'find' | 'save' | 'forget' | 'list'>;

/**
 * finch's own logins: those of its home, where new ones go, and then those in the file that
 * `DOCKER_CONFIG` names, where `finch login` keeps them when it is set. Of that file only what it holds
 * itself counts: its helpers are the caller's, and finch is one of them. The files of docker and podman
 * in their usual places are not asked, because docker and podman have just done that. Token servers that
 * took a login of before are trusted with none that comes in its place.
 */
export function servedLogins({ env, home, report, trace }: ServedLoginsOptions): ServedLogins {
  const { DOCKER_CONFIG: folder, ...others } = env;
  const own = openLogins({ env: others, home, report, trace, foreign: false });
  const trust = trustedRealms(home);
  const save: Logins['save'] = async (server, credential, options) => {
    await trust.forget(server.registry);
    const saved = await own.save(server, credential, options);
    if (saved.kind === 'file') report(unencrypted(credential, saved.place));
    return saved;
  };
  const forget: Logins['forget'] = async (server, options) => {
    await trust.forget(server.registry);
    return own.forget(server, options);
  };
  if (!folder || resolve(folder) === resolve(home)) return { ...own, save, forget };
  const beside = fileStore(join(folder, 'config.json'));
  return {
    async find(server, options) {
      const found = await own.find(server, options);
      if (found !== undefined) return found;
      const credential = await beside.get(server, options);
      return credential && { credential, place: beside.name, isOwn: true };
    },
    save,
    async forget(server, options) {
      const { removed, ...rest } = await forget(server, options);
      const keys = await beside.erase(server, options);
      return {
        removed: [...removed, ...keys.map((key) => ({ key, place: beside.name }))],
        ...rest,
      };
    },
    async list(options) {
      const listed = await own.list(options);
      const more = await beside.list(options);
      return [
        ...listed,
        ...more.map(({ key, username }) => ({
          ...{ registry: key, username, place: beside.name, expires: undefined },
        })),
      ];
    },
  };
}
