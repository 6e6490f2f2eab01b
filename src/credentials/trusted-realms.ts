import { join } from 'node:path';
import { hasCode } from '../errors.ts';
import type { JsonObject } from '../oci/json.ts';
import { editConfigFile, readConfigFile } from './config-file.ts';

/** The token servers that took the logins of registries when the user logged in. */
export interface TrustedRealms {
  /**
   * Whether a token server, by its host and port, took the login of a registry; undefined when nothing is
   * remembered of the registry.
   * @throws FinchError `CONFIG_INVALID`, `IO` when the file cannot be read
   */
  isTrusted(registry: string, realm: URL): Promise<boolean | undefined>;
  /**
   * Remembers the hosts that took the login which is kept now, in place of those of the one before.
   * @returns those of the one before
   * @throws FinchError `CONFIG_INVALID`, `IO`; the file is then as it was
   */
  remember(registry: string, hosts: readonly string[]): Promise<readonly string[]>;
  /**
   * Remembers nothing of a registry any more. A broken file trusts nobody, and stays as it is.
   * @returns the hosts that were remembered
   * @throws FinchError `IO`; the file is then as it was
   */
  forget(registry: string): Promise<readonly string[]>;
}

/** What `trusted-realms.json` in finch's home remembers: for each registry a list of `host[:port]`. */
export function trustedRealms(home: string): TrustedRealms {
  const path = join(home, 'trusted-realms.json');
  const remember = async (registry: string, hosts: readonly string[]) => {
    let known: readonly string[] = [];
    await editConfigFile(path, (config) => {
      known = hostsOf(config, registry);
      if (known.length === hosts.length && known.every((host) => hosts.includes(host))) return [];
      return [{ path: [registry], value: hosts.length === 0 ? undefined : hosts }];
    });
    return known;
  };
  return {
    async isTrusted(registry, { host }) {
      const hosts = hostsOf(await readConfigFile(path), registry);
      return hosts.length === 0 ? undefined : hosts.includes(host);
    },
    remember,
    async forget(registry) {
      try {
        return await remember(registry, []);
      } catch (error) {
        if (hasCode(error, 'CONFIG_INVALID')) return [];
        throw error;
      }
    },
  };
}

function hostsOf(config: JsonObject, registry: string): readonly string[] {
  const hosts = Object.hasOwn(config, registry) ? config[registry] : [];
  return Array.isArray(hosts) ? hosts.filter((host) => typeof host === 'string') : [];
}
