import { join, resolve } from 'node:path';
import { fileStore } from './file-store.ts';
import type { LoginSource } from './login-source.ts';
import type { Logins } from './logins.ts';
import { openLogins } from './open-logins.ts';
import type { LoginFile } from './places.ts';
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
  /** Makes the logins that are kept nowhere. */
  readonly source?: LoginSource | undefined;
}

/** The logins that finch gives to other programs, as their credential helper. */
export type ServedLogins = Pick<Logins, 'find' | 'save' | 'forget' | 'list'>;

/**
 * finch's own logins: those of its home, where new ones go, and then those in the file that
 * `DOCKER_CONFIG` names, where `finch login` keeps them when it is set. Of that file only what it holds
 * itself counts: its helpers are the caller's, and finch is one of them. The files of docker and podman
 * in their usual places are not asked, because docker and podman have just done that. Token servers that
 * took a login of before are trusted with none that comes in its place. What has no login there may get one
 * that is made.
 */
export function servedLogins({ env, home, ...around }: ServedLoginsOptions): ServedLogins {
  const { report } = around;
  const { DOCKER_CONFIG: folder, ...rest } = env;
  const isBeside = folder !== undefined && folder !== '' && resolve(folder) !== resolve(home);
  const beside = isBeside ? join(folder, 'config.json') : undefined;
  const others = beside === undefined ? [] : [fileOfAuths(beside)];
  const own = openLogins({ env: rest, home, ...around, others });
  const trust = trustedRealms(home);
  const save: Logins['save'] = async (server, credential, options) => {
    await trust.forget(server.registry);
    const saved = await own.save(server, credential, options);
    if (saved.kind === 'file') report(unencrypted(credential, saved.place));
    return saved;
  };
  const forget: Logins['forget'] = async (server, options) => {
    await trust.forget(server.registry);
    const forgotten = await own.forget(server, options);
    if (beside === undefined) return forgotten;
    const keys = await fileStore(beside).erase(server, options);
    const removed = keys.map((key) => ({ key, place: beside }));
    return { ...forgotten, removed: [...forgotten.removed, ...removed] };
  };
  return { ...own, save, forget };
}

/** A file of which only what it holds itself counts. */
function fileOfAuths(path: string): LoginFile {
  return { path, isOwn: true, isHome: false, format: 'auths' };
}
