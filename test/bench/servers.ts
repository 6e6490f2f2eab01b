import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { registryPrograms } from '../support/registry-programs.ts';
import { goProgram, ownProgram, peerPrograms } from './go-programs.ts';
import type { Counts } from './measure.ts';

/** A program that listens and counts. */
export interface Server extends AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** What came in since the last call. */
  counts(): Promise<Counts>;
}

/** The files of a server's certificate. */
export interface ServerCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** A registry that throws everything away; over HTTPS with a certificate, and over HTTP/2 unless `h1`. */
export async function startSink(
  certificate?: ServerCertificate,
  { h1 = false }: { readonly h1?: boolean } = {},
): Promise<Server> {
  const files = certificate === undefined ? [] : [certificate.certificate, certificate.key];
  return startCounting([await ownProgram('sink'), ...(h1 ? ['-h1'] : []), ...files]);
}

/** A way to a server that takes `delayMs` in each direction. What it counts has headers, and TLS, in it. */
export async function startLink(server: Server, delayMs: number): Promise<Server> {
  const link = await startCounting([await ownProgram('link'), server.host, `${delayMs}ms`]);
  return {
    ...link,
    async counts() {
      const [{ bytes }, { requests }] = await Promise.all([link.counts(), server.counts()]);
      return { bytes, requests };
    },
  };
}

async function startCounting(command: readonly string[]): Promise<Server> {
  const child = Bun.spawn([...command], { stdin: 'ignore', stdout: 'pipe', stderr: 'ignore' });
  const lines = linesOf(child.stdout);
  const next = async () => (await lines.next()).value ?? '';
  const host = (await next()).replace('listening on ', '');
  return {
    host,
    async counts() {
      child.kill('SIGUSR1');
      return JSON.parse(await next()) as Counts;
    },
    async [Symbol.asyncDispose]() {
      child.kill();
      await child.exited;
    },
  };
}

/** Distribution's registry on a free port, with its files in a new folder below `folder`. */
export async function startRegistry(
  folder: string,
  certificate?: ServerCertificate,
): Promise<Server> {
  const place = await mkdtemp(join(folder, 'registry-'));
  const config = join(place, 'config.json');
  const tls = certificate && { tls: certificate };
  // JSON is YAML too.
  const settings = {
    version: 0.1,
    log: { level: 'info', accesslog: { disabled: false } },
    storage: { filesystem: { rootdirectory: join(place, 'data') } },
    http: { addr: '127.0.0.1:0', ...tls },
  };
  await Bun.write(config, JSON.stringify(settings));
  const child = Bun.spawn([await registryProgram(), 'serve', config], {
    env: { PATH: process.env['PATH'], OTEL_TRACES_EXPORTER: 'none' },
    ...{ stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' },
  });
  const ready = Promise.withResolvers<string>();
  let requests = 0;
  const read = async (stream: ReadableStream<Uint8Array>) => {
    for await (const line of linesOf(stream)) {
      const host = /listening on (127\.0\.0\.1:\d+)/.exec(line)?.[1];
      if (host !== undefined) ready.resolve(host);
      if (isAccess(line)) requests++;
    }
    ready.reject(new Error('the registry ended before it was ready'));
  };
  void Promise.all([read(child.stdout), read(child.stderr)]);
  return {
    host: await ready.promise,
    async counts() {
      // Its log is written a moment after its answer.
      await Bun.sleep(20);
      const counted = requests;
      requests = 0;
      return { requests: counted };
    },
    async [Symbol.asyncDispose]() {
      child.kill();
      await child.exited;
    },
  };
}

/** The one that the tests have, else one of its own. */
async function registryProgram(): Promise<string> {
  const { distribution } = registryPrograms;
  const isThere = await Bun.file(distribution).exists();
  return isThere ? distribution : goProgram(peerPrograms.registry);
}

/** Whether a line of a registry's log is of its access log, in the combined format, and of a request. */
export function isAccess(line: string): boolean {
  return /^\S+ \S+ \S+ \[[^\]]+\] "[A-Z]+ \/v2\//.test(line);
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of stream) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}
