import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { FinchError, hasCode, systemCode } from '../errors.ts';
import { ioError } from '../host/io-error.ts';
import type { JsonObject } from '../oci/json.ts';
import { excerpt } from '../text.ts';
import { configHeaders } from './custom-headers.ts';
import { type ClientFiles, parseHostsToml, type SiteEntry } from './hosts-toml.ts';
import { readText } from './read-text.ts';
import { defaultSite, type Site, type Sites } from './site.ts';

/** The most files of a folder that are looked at. */
const MAX_FILES = 1000;

/** The folder of every registry that has none of its own. */
const DEFAULT_FOLDER = '_default';

/** Where registries may be described, and who is told what was found. */
export interface CertsDirOptions {
  /** Folders with a folder for each registry. The first that has one for the registry counts, alone. */
  readonly roots: readonly string[];
  /** The `config.json`, whose `HttpHeaders` go to the registry itself. */
  readonly config?: { readonly path: string; readonly read: () => Promise<JsonObject> };
  /** One line for `--debug`. */
  readonly trace?: (line: string) => void;
}

/**
 * The ways to a registry: what the `hosts.toml` in its folder says, or the certificates there by the
 * names that docker gives them (`*.crt`, `*.cert` with `*.key`), or else only the registry itself.
 * https://github.com/containerd/containerd/blob/v2.1.3/docs/hosts.md
 * https://docs.docker.com/engine/security/certificates/
 * @throws FinchError `CONFIG_INVALID` when a file there is not what it should be, `IO`
 */
export async function findSites(registry: string, options: CertsDirOptions): Promise<Sites> {
  const { config, trace = () => {} } = options;
  const sites = await describedSites(registry, { ...options, trace });
  const { name } = sites.server;
  if (name !== registry) trace(`${name} is asked in place of ${registry}, with its own login`);
  const more = config === undefined || name !== registry ? {} : await headersOf(config, trace);
  const headers = { ...more, ...sites.server.headers };
  return { ...sites, server: { ...sites.server, headers } };
}

/** A file that cannot be read adds nothing: whether that matters is for those who want a login from it. */
async function headersOf(
  { path, read }: NonNullable<CertsDirOptions['config']>,
  trace: (line: string) => void,
): Promise<Readonly<Record<string, string>>> {
  const config = await read().catch((error: unknown) => {
    if (!hasCode(error, 'CONFIG_INVALID', 'IO')) throw error;
    trace(error.message);
    return {};
  });
  return configHeaders(config, path);
}

type Search = Required<Pick<CertsDirOptions, 'roots' | 'trace'>>;

async function describedSites(registry: string, { roots, trace }: Search): Promise<Sites> {
  const folder = await findFolder(registry, { roots, trace });
  if (folder === undefined) return { mirrors: [], server: defaultSite(registry) };
  const isDefault = basename(folder) === DEFAULT_FOLDER;
  const path = join(folder, 'hosts.toml');
  const text = (await readText(path)) || undefined;
  trace(`${registry} is described in ${text === undefined ? folder : path}`);
  if (text === undefined) {
    const server = await load(await readCertificates(folder, defaultSite(registry)), trace);
    return { mirrors: [], server, source: folder };
  }
  const { mirrors, server, ignored } = parseHostsToml(text, { registry, path, isDefault });
  for (const key of ignored) trace(`${path}: ${excerpt(key)} means nothing to finch`);
  return {
    mirrors: await Promise.all(mirrors.map((entry) => load(entry, trace))),
    server: await load(server, trace),
    source: path,
  };
}

/** The folder that describes a registry; those of its own before `_default`, the roots in their order. */
async function findFolder(registry: string, { roots, trace }: Search): Promise<string | undefined> {
  // Windows has no colon in names.
  const portable = registry.replace(/:(\d+)$/, '_$1_');
  for (const root of roots) {
    for (const name of new Set([portable, registry, DEFAULT_FOLDER])) {
      const folder = join(root, name);
      if (await isFolder(folder, trace)) return folder;
    }
  }
  return undefined;
}

/** What only others may look into, such as `/etc/docker` on some systems, is not for us. */
async function isFolder(path: string, trace: (line: string) => void): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) {
      trace(ioError(error, 'read', path).message);
    }
    return false;
  }
}

async function readCertificates(folder: string, site: Site): Promise<SiteEntry> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw ioError(error, 'read', folder);
  });
  if (names.length > MAX_FILES) {
    throw new FinchError('CONFIG_INVALID', `${folder} has more than ${MAX_FILES} files`, {
      hint: 'keep nothing but certificates there',
    });
  }
  const client = clientFiles(folder, names.sort());
  const ca = names.filter((name) => name.endsWith('.crt')).map((name) => join(folder, name));
  return { site, ca, client };
}

/** Each `*.cert` with the `*.key` of the same name. */
function clientFiles(folder: string, names: readonly string[]): readonly ClientFiles[] {
  const stems = (ending: string) =>
    names.filter((name) => name.endsWith(ending)).map((name) => name.slice(0, -ending.length));
  const [certificates, keys] = [stems('.cert'), stems('.key')];
  const lone: readonly (readonly [string, string, string])[] = [
    ...certificates
      .filter((stem) => !keys.includes(stem))
      .map((stem) => [stem, 'cert', 'key'] as const),
    ...keys
      .filter((stem) => !certificates.includes(stem))
      .map((stem) => [stem, 'key', 'cert'] as const),
  ];
  for (const [stem, present, missing] of lone) {
    const path = excerpt(join(folder, `${stem}.${present}`));
    throw new FinchError('CONFIG_INVALID', `${path} is there without its .${missing}`, {
      hint: 'a client certificate is NAME.cert with its key in NAME.key; authorities are *.crt',
    });
  }
  return certificates.map((stem) => ({
    certificate: join(folder, `${stem}.cert`),
    key: join(folder, `${stem}.key`),
  }));
}

async function load(entry: SiteEntry, trace: (line: string) => void): Promise<Site> {
  const [, ...unused] = entry.client;
  for (const { certificate } of unused) {
    trace(`${certificate} is not used: one client certificate is shown, the first`);
  }
  if (entry.ca.length + entry.client.length === 0) return entry.site;
  // Cryptography takes milliseconds to load.
  const { readTls } = await import('./read-pem.ts');
  return { ...entry.site, tls: await readTls(entry) };
}
