import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeAuthority, signClient } from './certificates.ts';
import { temporaryFolder } from './temporary.ts';
import type { TokenServer } from './token-server.ts';

/** How {@link startDockerRegistry} starts the registry. */
export interface DockerRegistryOptions {
  /** Serve over TLS, with a certificate for `localhost` and `127.0.0.1` of an authority of its own. */
  readonly tls?: boolean;
  /** With `tls`: let in only who shows a certificate that its authority has signed, and make one. */
  readonly clientCertificates?: boolean;
  /** Ask for these names and passwords with Basic authentication. */
  readonly htpasswd?: Readonly<Record<string, string>>;
  /** Want tokens of this server. */
  readonly tokens?: Pick<TokenServer, 'realm' | 'service' | 'issuer' | 'rootCertificate'>;
  /** Where blobs are kept. Default: a folder that goes away. */
  readonly root?: string;
  /** The address of a registry that it stands before, as a cache to pull through. */
  readonly upstream?: string;
  /** Be as fast as it can: without a log, on this free port (else the log tells which), and with a cache. */
  readonly fastOn?: number;
  /** The program: Debian's, or any other build of distribution. Default: `docker-registry`. */
  readonly program?: string;
}

/** Debian's docker-registry, running on a free port. */
export interface DockerRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT`, or `localhost:PORT` with TLS. */
  readonly host: string;
  readonly origin: string;
  readonly pid: number;
  /** The file of the certificate authority, with TLS. */
  readonly ca?: string;
  /** The files of a client's certificate, with `clientCertificates`. */
  readonly client?: { readonly certificate: string; readonly key: string };
  /** Everything it has written so far, one line a request. */
  log(): string;
  stop(): Promise<void>;
}

/** Starts `docker-registry` (distribution 2.8) and waits until it listens. */
export async function startDockerRegistry(
  options: DockerRegistryOptions = {},
): Promise<DockerRegistry> {
  const folder = await temporaryFolder();
  const certificates = options.tls ? await makeAuthority(folder.path) : undefined;
  const client = options.clientCertificates ? await signClient(folder.path) : undefined;
  const root = options.root ?? join(folder.path, 'data');
  await mkdir(root, { recursive: true });
  const passwords = options.htpasswd && (await writePasswords(folder.path, options.htpasswd));
  const config = join(folder.path, 'config.yml');
  const { upstream, fastOn, tokens } = options;
  const clients = client && certificates?.ca;
  await writeFile(
    config,
    configuration({ root, certificates, clients, passwords, tokens, upstream, fastOn }),
  );
  const child = Bun.spawn([options.program ?? 'docker-registry', 'serve', config], {
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
    env: { PATH: process.env['PATH'], OTEL_TRACES_EXPORTER: 'none' },
  });
  let log = '';
  const ready = Promise.withResolvers<string>();
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const piece of child.stderr) {
      log += decoder.decode(piece, { stream: true });
      const port = /listening on [^\s"]*:(\d+)/.exec(log)?.[1];
      if (port !== undefined) ready.resolve(port);
    }
    ready.reject(new Error(`docker-registry ended before it was ready:\n${log}`));
  })();
  if (fastOn !== undefined) void listens(fastOn).then(() => ready.resolve(`${fastOn}`));
  const stop = async () => {
    child.kill();
    await child.exited;
    await reading;
    await folder[Symbol.asyncDispose]();
  };
  const port = await ready.promise.catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  const host = `${certificates ? 'localhost' : '127.0.0.1'}:${port}`;
  return {
    host,
    origin: `${certificates ? 'https' : 'http'}://${host}`,
    pid: child.pid,
    ...(certificates && { ca: certificates.ca }),
    ...(client && { client }),
    log: () => log,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function configuration({
  root,
  certificates,
  clients,
  passwords,
  tokens,
  upstream,
  fastOn,
}: {
  root: string;
  certificates: { certificate: string; key: string } | undefined;
  /** The authority of clients' certificates. */
  clients: string | undefined;
  passwords: string | undefined;
  tokens: DockerRegistryOptions['tokens'];
  upstream: string | undefined;
  fastOn: number | undefined;
}): string {
  const isFast = fastOn !== undefined;
  // JSON is YAML too.
  return JSON.stringify({
    version: 0.1,
    log: { level: isFast ? 'error' : 'info', accesslog: { disabled: isFast } },
    storage: {
      filesystem: { rootdirectory: root },
      delete: { enabled: true },
      ...(isFast && { cache: { blobdescriptor: 'inmemory' } }),
    },
    http: {
      addr: `127.0.0.1:${fastOn ?? 0}`,
      ...(certificates && {
        tls: {
          ...{ certificate: certificates.certificate, key: certificates.key },
          ...(clients !== undefined && { clientcas: [clients] }),
        },
      }),
    },
    ...(upstream !== undefined && { proxy: { remoteurl: upstream } }),
    ...(passwords !== undefined && {
      auth: { htpasswd: { realm: 'finch, test', path: passwords } },
    }),
    ...(tokens !== undefined && {
      auth: {
        token: {
          ...{ realm: tokens.realm, service: tokens.service, issuer: tokens.issuer },
          rootcertbundle: tokens.rootCertificate,
        },
      },
    }),
  });
}

async function listens(port: number): Promise<void> {
  const isThere = () => fetch(`http://127.0.0.1:${port}/v2/`).then(Boolean, () => false);
  while (!(await isThere())) await Bun.sleep(5);
}

async function writePasswords(
  folder: string,
  users: Readonly<Record<string, string>>,
): Promise<string> {
  const path = join(folder, 'htpasswd');
  const lines = await Promise.all(
    Object.entries(users).map(
      async ([name, password]) =>
        `${name}:${await Bun.password.hash(password, { algorithm: 'bcrypt', cost: 4 })}\n`,
    ),
  );
  await writeFile(path, lines.join(''));
  return path;
}
