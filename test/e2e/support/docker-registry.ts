import { join } from 'node:path';
import { $ } from 'bun';
import type { RunningRegistry } from './finch-registry.ts';
import { firstLine } from './first-line.ts';

/** Whether Debian's `docker-registry`, and what it needs for TLS and logins, is on this machine. */
export const hasDockerRegistry: boolean = ['docker-registry', 'htpasswd', 'openssl'].every(
  (program) => Bun.which(program) !== null,
);

/** Options of {@link startDockerRegistry}. */
export interface DockerRegistryOptions {
  /** A new folder for its blobs, its settings and its certificate. */
  readonly folder: string;
  /** Whether it speaks https, with a certificate of its own for `localhost` and 127.0.0.1. */
  readonly tls?: boolean;
  /** The only user that it lets in; anyone when left out. */
  readonly login?: { readonly username: string; readonly password: string };
}

/** A running `docker-registry`. */
export interface DockerRegistry extends RunningRegistry {
  /** With `tls`: the file of the certificate that a client must trust. */
  readonly certificate: string;
}

/** Starts the distribution project's registry on a free port. */
export async function startDockerRegistry(options: DockerRegistryOptions): Promise<DockerRegistry> {
  const { folder, tls = false, login } = options;
  const at = (name: string) => join(folder, name);
  if (tls) await writeCertificate({ key: at('key.pem'), certificate: at('certificate.pem') });
  if (login !== undefined) {
    await $`htpasswd -Bbn ${login.username} ${login.password} > ${at('htpasswd')}`.quiet();
  }
  const settings = {
    version: '0.1',
    log: { level: 'info', formatter: 'json' },
    storage: { filesystem: { rootdirectory: at('data') }, delete: { enabled: true } },
    http: {
      addr: '127.0.0.1:0',
      ...(tls && { tls: { key: at('key.pem'), certificate: at('certificate.pem') } }),
    },
    ...(login !== undefined && { auth: { htpasswd: { realm: 'test', path: at('htpasswd') } } }),
  };
  // JSON is YAML.
  await Bun.write(at('config.yml'), JSON.stringify(settings));
  const child = Bun.spawn(['docker-registry', 'serve', at('config.yml')], {
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
    env: { PATH: process.env['PATH'] ?? '', OTEL_TRACES_EXPORTER: 'none' },
  });
  const ready = await firstLine(child.stderr, (line) => line.includes('listening on'));
  const port = /listening on 127\.0\.0\.1:(\d+)/.exec(ready)?.[1];
  if (port === undefined) {
    child.kill();
    throw new Error(`docker-registry said ${JSON.stringify(ready)}`);
  }
  const host = `localhost:${port}`;
  return {
    host,
    url: `${tls ? 'https' : 'http'}://${host}`,
    certificate: at('certificate.pem'),
    async [Symbol.asyncDispose]() {
      child.kill();
      await child.exited;
    },
  };
}

async function writeCertificate(files: { key: string; certificate: string }): Promise<void> {
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  const holder = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const results = ['-nodes', '-days', '2', '-keyout', files.key, '-out', files.certificate];
  await $`openssl ${[...request, ...holder, ...results]}`.quiet();
}
