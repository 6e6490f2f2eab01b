import { join } from 'node:path';
import type { JsonObject } from '../oci/json.ts';
import { editConfigFile, readConfigFile } from './config-file.ts';

/** The token servers that the user has trusted with the logins of registries. */
export interface TrustedRealms {
  /**
   * Whether a token server, by its host and port, is trusted with the login of a registry.
   * @throws FinchError `CONFIG_INVALID`, `IO` when the file cannot be read
   */
  isTrusted(registry: string, realm: URL): Promise<boolean>;
  /**
   * Remembers hosts for a registry, beside those that it has.
   * @throws FinchError `CONFIG_INVALID`, `IO`; the file is then as it was
   */
  add(registry: string, hosts: readonly string[]): Promise<void>;
}

/**
 * What `trusted-realms.json` in finch's home remembers: for each registry a list of `host[:port]`. Whoever
 * wants a host to be trusted no more takes it out.
 */
export function trustedRealms(home: string): TrustedRealms {
  const path = join(home, 'trusted-realms.json');
  return {
    async isTrusted(registry, { host }) {
      return hostsOf(await readConfigFile(path), registry).includes(host);
    },
    async add(registry, hosts) {
      await editConfigFile(path, (config) => {
        const known = hostsOf(config, registry);
        const added = hosts.filter((host) => !known.includes(host));
        return added.length === 0 ? [] : [{ path: [registry], value: [...known, ...added] }];
      });
    },
  };
}

function hostsOf(config: JsonObject, registry: string): readonly string[] {
  const hosts = Object.hasOwn(config, registry) ? config[registry] : [];
  return Array.isArray(hosts) ? hosts.filter((host) => typeof host === 'string') : [];
}
