import { FinchError } from '../errors.ts';
import { nearby } from './nearby.ts';
import { hideSecret } from './redact.ts';

/** A proxy that the environment names. */
export interface ProxyServer {
  /** With user name and password, where it has them. */
  readonly href: string;
  /** `host:port`, as messages name it. */
  readonly host: string;
  /** The variable that named it. */
  readonly variable: string;
}

/** Environment variables. */
type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy that connects to an address, by HTTP_PROXY, HTTPS_PROXY and NO_PROXY or the same in lower case, as
 * programs written in Go read them. This machine is never reached through a proxy.
 * https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config
 * @throws FinchError `USAGE` when a variable names no proxy that finch can use; never with what it holds
 */
export function proxyFor(url: URL, env: Environment): ProxyServer | undefined {
  const scheme = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const variable = [scheme, scheme.toLowerCase()].find((name) => env[name]);
  const value = variable === undefined ? '' : env[variable]?.trim();
  if (variable === undefined || !value) return undefined;
  // For a CGI program HTTP_PROXY is what the client wrote in a header.
  if (scheme === 'HTTP_PROXY' && env['REQUEST_METHOD']) return undefined;
  if (nearby(url.hostname) === 'loopback') return undefined;
  if (isExcepted(url, env['NO_PROXY'] || env['no_proxy'] || '')) return undefined;
  return parseProxy(value, variable);
}

/** The error for an answer in which a proxy asks who we are. */
export function wantsProxyLogin({ host, variable }: ProxyServer): FinchError {
  return new FinchError('NETWORK', `the proxy ${host} wants another user name and password`, {
    hint: `set ${variable} to http://USER:PASSWORD@${host}`,
  });
}

function parseProxy(value: string, variable: string): ProxyServer {
  const isWhole = /^[a-z][a-z\d+.-]*:\/\//i.test(value);
  const url = URL.parse(isWhole ? value : `http://${value}`);
  // A password with a `/` that is not encoded ends the host too early; what is left of it must not be shown.
  const isCut = url !== null && /@/.test(`${url.pathname}${url.search}${url.hash}`);
  if (url === null || url.hostname === '' || isCut)
    throw unusable(variable, 'is no address of a proxy');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw unusable(variable, 'names a proxy that does not speak HTTP');
  }
  for (const secret of [url.password, decoded(url.password)]) {
    if (secret !== '') hideSecret(secret, { user: decoded(url.username) });
  }
  return { href: url.href, host: url.host, variable };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function unusable(variable: string, why: string): FinchError {
  return new FinchError('USAGE', `${variable} ${why}`, {
    hint: `set ${variable} to http://HOST:PORT, or unset it`,
  });
}

/** Whether NO_PROXY names the host of an address: `*`, names with all below them, addresses, networks. */
function isExcepted(url: URL, list: string): boolean {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return list
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .some((entry) => matches(entry, { host, port }));
}

function matches(entry: string, { host, port }: { host: string; port: string }): boolean {
  if (entry === '*') return true;
  if (entry.includes('/')) return isInNetwork(host, entry);
  const [, bracketed, name = entry, onPort] =
    /^(?:\[([^\]]*)\]|([^:]*)):(\d+)$/.exec(entry) ?? /^\[([^\]]*)\]$/.exec(entry) ?? [];
  const wanted = bracketed ?? name;
  if (wanted === '' || (onPort !== undefined && onPort !== port)) return false;
  if (isIP(wanted) !== 0) return isIP(host) !== 0 && canonical(wanted) === canonical(host);
  const domain = wanted.replace(/^\*(?=\.)/, '');
  return domain.startsWith('.') ? host.endsWith(domain) : `.${host}`.endsWith(`.${domain}`);
}

/** Loads its module when it is first asked: no proxy, no cost. */
function isIP(text: string): number {
  return process.getBuiltinModule('node:net').isIP(text);
}

function canonical(address: string): string {
  return new URL(`http://${isIP(address) === 6 ? `[${address}]` : address}`).hostname;
}

function isInNetwork(host: string, network: string): boolean {
  const [address = '', bits = ''] = network.split('/');
  const family = isIP(address);
  const prefix = /^\d+$/.test(bits) ? Number(bits) : 999;
  if (family === 0 || prefix > (family === 4 ? 32 : 128) || isIP(host) === 0) return false;
  const { BlockList } = process.getBuiltinModule('node:net');
  const list = new BlockList();
  list.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6');
  return list.check(host, isIP(host) === 4 ? 'ipv4' : 'ipv6');
}
