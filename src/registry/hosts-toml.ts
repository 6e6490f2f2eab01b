import { dirname, resolve } from 'node:path';
import { FinchError } from '../errors.ts';
import { isJsonObject, type JsonObject } from '../oci/json.ts';
import { excerpt, quote } from '../text.ts';
import { readHeaders } from './custom-headers.ts';
import { parseDuration } from './go-duration.ts';
import { ALL_CAPABILITIES, type Capability, defaultSite, registryHost, type Site } from './site.ts';
import { parseToml } from './toml-fault.ts';
import { parseWrittenAddress } from './written-address.ts';

/** The most hosts of one file. */
const MAX_HOSTS = 100;

/** How long a mirror may take to begin an answer, in milliseconds: who waits for it has others to ask. */
const MIRROR_PATIENCE_MS = 30_000;

/** A client certificate with its chain, and the file of its private key, which may be the same. */
export interface ClientFiles {
  readonly certificate: string;
  readonly key: string;
}

/** A site whose certificates are still in files. */
export interface SiteEntry {
  readonly site: Site;
  /** Absolute paths of certificate authorities. */
  readonly ca: readonly string[];
  readonly client: readonly ClientFiles[];
}

/** What a `hosts.toml` says. */
export interface HostsToml {
  /** The `host` tables, in the order of the file. */
  readonly mirrors: readonly SiteEntry[];
  readonly server: SiteEntry;
  /** Keys that mean nothing to finch. */
  readonly ignored: readonly string[];
}

/** Whose file it is, and where. */
export interface HostsTomlContext {
  readonly registry: string;
  /** The path of the file: it is named in errors, and what it names is relative to its folder. */
  readonly path: string;
  /** Whether it is for every registry of which nothing else is said. Its `server` gets nobody else's login. */
  readonly isDefault?: boolean;
}

const KNOWN_KEYS = new Set([
  ...['capabilities', 'ca', 'client', 'skip_verify', 'header', 'override_path', 'dial_timeout'],
]);

/**
 * Reads a `hosts.toml`.
 * https://github.com/containerd/containerd/blob/v2.1.3/docs/hosts.md
 * @throws FinchError `CONFIG_INVALID` when it is no TOML, or a key has a value that it cannot have
 */
export function parseHostsToml(text: string, context: HostsTomlContext): HostsToml {
  const { registry, path, isDefault = false } = context;
  const file = parseToml(text, path);
  const tables = own(file, 'host') ?? {};
  if (!isJsonObject(tables)) throw invalid(path, '"host" is not a table of hosts');
  const hosts = Object.entries(tables);
  if (hosts.length > MAX_HOSTS) throw invalid(path, `it has more than ${MAX_HOSTS} hosts`);
  const mirrors = hosts.map(([address, table]) => {
    // What stands before the sign may be a password.
    const where = address.includes('@') ? 'a host' : `host ${quote(address)}`;
    if (!isJsonObject(table)) throw invalid(path, `${where} is not a table`);
    return readEntry(table, { ...context, where, address, patienceMs: MIRROR_PATIENCE_MS });
  });
  const address = own(file, 'server');
  if (address !== undefined && typeof address !== 'string') {
    throw invalid(path, '"server" is not a text');
  }
  const { host: _, server: __, ...rest } = file;
  const server = readEntry(rest, {
    ...context,
    where: 'the server',
    address: address || undefined,
  });
  return {
    mirrors,
    server: isDefault ? server : { ...server, site: { ...server.site, name: registry } },
    ignored: [
      ...unknownKeys(rest),
      ...hosts.flatMap(([, table]) => (isJsonObject(table) ? unknownKeys(table) : [])),
    ],
  };
}

interface EntryContext extends HostsTomlContext {
  /** How errors name the entry. */
  readonly where: string;
  /** Undefined for the registry's own. */
  readonly address: string | undefined;
  /** What it gets that says nothing else. */
  readonly patienceMs?: number;
}

function readEntry(table: JsonObject, context: EntryContext): SiteEntry {
  const { registry, path, where } = context;
  const fault = (what: string) => invalid(path, `${where}: ${what}`);
  const flag = (key: string): boolean => {
    const value = own(table, key) ?? false;
    if (typeof value !== 'boolean') throw fault(`"${key}" is neither true nor false`);
    return value;
  };
  const folder = dirname(path);
  const overridePath = flag('override_path');
  const place =
    context.address === undefined ? {} : readAddress(context.address, { overridePath, fault });
  const site = { ...defaultSite(registry), ...place };
  const patienceMs = readPatience(own(table, 'dial_timeout'), fault) ?? context.patienceMs;
  const isElsewhere = site.host !== registryHost(registry);
  return {
    site: {
      ...site,
      name: isElsewhere ? site.host : registry,
      capabilities: readCapabilities(own(table, 'capabilities'), fault),
      skipVerify: flag('skip_verify'),
      headers: readHeaders(own(table, 'header') ?? {}, fault),
      ...(patienceMs !== undefined && { patienceMs }),
      ...(isElsewhere && { namespace: registry }),
    },
    ca: texts(own(table, 'ca') ?? [], () => fault('"ca" is not a path or a list of paths')).map(
      (file) => resolve(folder, file),
    ),
    client: readClient(own(table, 'client') ?? [], { folder, fault }),
  };
}

type Fault = (what: string) => FinchError;

/** An address as `server` and `host` name it: without a scheme it is TLS, and `/v2` is added. */
function readAddress(
  address: string,
  { overridePath, fault }: { overridePath: boolean; fault: Fault },
): Pick<Site, 'host' | 'root'> & { readonly protocol: 'https:' | 'http:' } {
  // Not shown: it may be a password that no address can have.
  if (address.includes('@')) {
    throw fault('its address holds a user name or a password; log in instead');
  }
  const url = parseWrittenAddress(address);
  if (url === undefined) throw fault(`${quote(address)} is no address`);
  if (url.search !== '' || url.hash !== '') throw fault(`${quote(address)} has more than a path`);
  const path = url.pathname.replace(/\/+$/, '');
  const root = overridePath || path.endsWith('/v2') ? path : `${path}/v2`;
  return { host: url.host, root, protocol: url.protocol === 'http:' ? 'http:' : 'https:' };
}

function readPatience(value: unknown, fault: Fault): number | undefined {
  if (value === undefined || value === '') return undefined;
  const ms = typeof value === 'string' ? parseDuration(value) : undefined;
  if (ms === undefined) throw fault('"dial_timeout" is no length of time such as "5s"');
  return ms;
}

function readCapabilities(value: unknown, fault: Fault): readonly Capability[] {
  const names = texts(value ?? [], () => fault('"capabilities" is not a list'));
  if (names.length === 0) return ALL_CAPABILITIES;
  return names.map((name) => {
    const known = ALL_CAPABILITIES.find((one) => one === name.toLowerCase());
    if (known === undefined) {
      throw fault(`${quote(name)} is no capability; there are pull, resolve and push`);
    }
    return known;
  });
}

/** A file of both, a list of such files, or a list of pairs. */
function readClient(
  value: unknown,
  { folder, fault }: { folder: string; fault: Fault },
): readonly ClientFiles[] {
  const wrong = () => fault('"client" is not a path, a list of paths or a list of pairs of paths');
  const list = Array.isArray(value) ? value : [value];
  return list.map((one: unknown) => {
    const [certificate, key, ...more] = texts(one, wrong);
    if (!certificate || more.length > 0) throw wrong();
    return { certificate: resolve(folder, certificate), key: resolve(folder, key || certificate) };
  });
}

/** One text, or a list of them. */
function texts(value: unknown, wrong: () => FinchError): readonly string[] {
  const list = Array.isArray(value) ? value : [value];
  // A path with a NUL is none that any system takes.
  if (!list.every((one): one is string => typeof one === 'string' && !one.includes('\0'))) {
    throw wrong();
  }
  return list;
}

function unknownKeys(table: JsonObject): readonly string[] {
  return Object.keys(table).filter((key) => !KNOWN_KEYS.has(key));
}

function own(table: JsonObject, key: string): unknown {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

function invalid(path: string, what: string): FinchError {
  return new FinchError('CONFIG_INVALID', `${excerpt(path)}: ${what}`, {
    hint: 'correct the file, or look in another folder with --hosts-dir',
  });
}
