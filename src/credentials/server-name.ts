import { FinchError, hasCode } from '../errors.ts';
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

const LABEL = '[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?';
const HOST = new RegExp(
  String.raw`^(?:${LABEL}(?:\.${LABEL})*|\[[0-9a-f:.]{2,45}\])(?::[1-9][0-9]{0,4})?$`,
);

/** A name has up to 253 characters, and a port five. */
const MAX_HOST_LENGTH = 260;

/**
 * The registry that a user means by SERVER: nothing for Docker Hub, `host[:port]`, or an address as
 * docker and the AWS CDK pass it, of which scheme and path are left out. Port 443 is the same as none,
 * and port 80 after `http://`.
 * @throws FinchError `USAGE` when it is no host; a password that stands in it is not in the message
 */
export function parseServer(text: string): ServerName {
  if (text === '') return serverName(HUB);
  if (text.includes('@')) {
    throw new FinchError('USAGE', 'the server holds an @, and so perhaps a password', {
      hint: 'give the host alone, the name with --username and the password with --password-stdin',
    });
  }
  if (!/^[!-~]+$/.test(text) || /[\\%]/.test(text)) {
    throw invalid(text, 'it holds characters that no host has');
  }
  const scheme = schemeOf(text);
  if (scheme !== undefined && scheme !== 'https' && scheme !== 'http') {
    throw invalid(text, `its scheme ${quote(scheme)} is not supported`);
  }
  const host = writtenHost(text);
  if (!HOST.test(host) || host.length > MAX_HOST_LENGTH) throw invalid(text, 'it is no host name');
  if (Number(/:(\d+)$/.exec(host)?.[1] ?? 0) > 65535) throw invalid(text, 'it has no such port');
  return serverName(hostOf(text));
}

/** {@link parseServer} of a text that some program wrote; undefined when it is empty or no host. */
export function tryParseServer(text: string): ServerName | undefined {
  try {
    return text === '' ? undefined : parseServer(text);
  } catch (error) {
    if (hasCode(error, 'USAGE')) return undefined;
    throw error;
  }
}

/** The login names of a registry, given as `host[:port]` or `docker.io`. */
export function serverName(registry: string): ServerName {
  const host = hostOf(registry);
  if (HUB_HOSTS.has(host)) {
    const spellings = [...HUB_HOSTS].flatMap((name) => [name, `https://${name}`]);
    return { registry: HUB, key: HUB_KEY, spellings: [HUB_KEY, ...spellings] };
  }
  const names = /:\d+$/.test(host) ? [host] : [host, `${host}:443`];
  const spellings = names.flatMap((name) => [name, `https://${name}`, `http://${name}`]);
  // An address that begins so, and has port 80, is that of the host without a port.
  return { registry: host, key: host, spellings: spellings.filter((key) => hostOf(key) === host) };
}

/**
 * The name of what is kept for less than a registry: `quay.io/team`,
 * `https://index.docker.io/v1/refresh-token`. Its `registry` is the host and the path.
 * @param key the key of a part: {@link isPart}
 */
export function partName(key: string): ServerName {
  const { registry } = serverName(hostOf(key));
  return { registry: `${registry}${pathOf(key).replace(/\/$/, '')}`, key, spellings: [key] };
}

/** Whether a key is that of less than a registry: it has a path, and not that of an API version. */
export function isPart(key: string): boolean {
  return !/^(?:\/(?:v[012]\/?)?)?$/.test(pathOf(key));
}

/** What a key means, a registry or a part of one; undefined when it names no host. */
export function keyName(key: string): ServerName | undefined {
  const whole = tryParseServer(key);
  return whole && isPart(key) ? partName(key) : whole;
}

/**
 * Whether a key means the server: any spelling of it, with or without scheme, last slash and the path of an
 * API version, as other tools write them.
 */
export function isKeyOf(server: ServerName, key: string): boolean {
  return keyName(key)?.registry === server.registry;
}

/** `host[:port]` of an address or a name in lower case, without the port that goes without saying. */
function hostOf(text: string): string {
  return writtenHost(text).replace(schemeOf(text) === 'http' ? /:(?:80|443)$/ : /:443$/, '');
}

function writtenHost(text: string): string {
  return (text.replace(SCHEME, '').split('/')[0] ?? '').toLowerCase();
}

/** What stands behind the host, from its first slash on. */
function pathOf(text: string): string {
  const address = text.replace(SCHEME, '');
  return address.slice(address.split('/')[0]?.length);
}

const SCHEME = /^([a-z][a-z0-9+.-]*):\/\//i;

function schemeOf(text: string): string | undefined {
  return SCHEME.exec(text)?.[1]?.toLowerCase();
}

function invalid(text: string, why: string): FinchError {
  const shown = quote(text);
  return new FinchError('USAGE', `${shown} names no registry: ${why}`, {
    hint: 'a server is HOST[:PORT], for example ghcr.io or localhost:5000',
  });
}
