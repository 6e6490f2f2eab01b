import { FinchError } from '../errors.ts';
import { quote } from '../text.ts';

/** A registry as logins know it. */
export interface ServerName {
  /** `host[:port]`, as references name it; Docker Hub is `docker.io`. */
  readonly registry: string;
  /** The key under which its login is kept in `config.json`. */
  readonly key: string;
  /** The keys under which a login may be found, the best first. */
  readonly spellings: readonly string[];
}

const HUB = 'docker.io';
const HUB_KEY = 'https://index.docker.io/v1/';
const HUB_HOSTS = new Set([HUB, 'index.docker.io', 'registry-1.docker.io']);

const HOST = /^(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::[0-9]{1,5})?$/;

/**
 * The registry that a user means by SERVER: nothing for Docker Hub, `host[:port]`, or an address, of
 * which scheme and path are left out. Port 443 is the same as none.
 * @throws FinchError `USAGE` when it is no host
 */
export function parseServer(text: string): ServerName {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== 'https' && scheme !== 'http') {
    throw invalid(text, `its scheme ${quote(scheme)} is not supported`);
  }
  const registry = hostOf(text);
  if (registry === '') return serverName(HUB);
  if (!HOST.test(registry)) throw invalid(text, 'it is no host name');
  return serverName(registry);
}

/** The login names of a registry, given as `host[:port]` or `docker.io`. */
export function serverName(registry: string): ServerName {
  const host = withoutDefaultPort(registry.toLowerCase());
  if (HUB_HOSTS.has(host)) {
    const spellings = [...HUB_HOSTS].flatMap((name) => [name, `https://${name}`]);
    return { registry: HUB, key: HUB_KEY, spellings: [HUB_KEY, ...spellings] };
  }
  const hasPort = /:\d+$/.test(host);
  const names = hasPort ? [host] : [host, `${host}:443`];
  const spellings = names.flatMap((name) => [name, `https://${name}`, `http://${name}`]);
  return { registry: host, key: host, spellings };
}

/**
 * Whether a key of `config.json` means the server: any spelling of it, with or without scheme, slash
 * and the path of an API version, as other tools write them.
 */
export function isKeyOf({ registry }: ServerName, key: string): boolean {
  const path = /^(?:https?:\/\/)?[^/]*(.*)$/i.exec(key)?.[1] ?? '';
  if (!/^(?:\/(?:v[12]\/?)?)?$/.test(path)) return false;
  return serverName(hostOf(key)).registry === registry;
}

function hostOf(text: string): string {
  const host = text.replace(/^[a-z][a-z0-9+.-]*:\/\//i, '').split('/')[0] ?? '';
  return withoutDefaultPort(host.toLowerCase());
}

function withoutDefaultPort(host: string): string {
  return host.replace(/:443$/, '');
}

function invalid(text: string, why: string): FinchError {
  const shown = quote(text);
  return new FinchError('USAGE', `${shown} names no registry: ${why}`, {
    hint: 'a server is HOST[:PORT], for example ghcr.io or localhost:5000',
  });
}
