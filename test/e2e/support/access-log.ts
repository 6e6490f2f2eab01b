import type { DockerRegistry } from '../../support/docker-registry.ts';

/** One request that a docker-registry has answered. */
export interface LoggedRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly status: number;
}

/** Reads what a registry logs from now on. */
export interface LogReader {
  /** The requests that came since the last call, or since the start, and were answered. */
  next(): Promise<readonly LoggedRequest[]>;
}

/** Starts to read a registry's log here. */
export async function readLog(registry: DockerRegistry): Promise<LogReader> {
  let from = 0;
  const next = async () => {
    const end = await logEnd(registry);
    const lines = registry.log().slice(from, end).split('\n');
    from = end;
    return lines.flatMap(parseLine).filter(({ path }) => !path.includes(MARK));
  };
  await next();
  return { next };
}

const MARK = '?read-up-to=';

/** Where the log ends now: a request of our own shows when all before it has been read. */
async function logEnd(registry: DockerRegistry): Promise<number> {
  const path = `/v2/${MARK}${crypto.randomUUID()}`;
  await fetch(`${registry.origin}${path}`, {
    ...(registry.ca !== undefined && { tls: { ca: Bun.file(registry.ca) } }),
  });
  let at = -1;
  while (at === -1) {
    await new Promise((resolve) => setImmediate(resolve));
    at = registry.log().lastIndexOf(path);
  }
  return registry.log().lastIndexOf('\n', at) + 1;
}

function parseLine(line: string): LoggedRequest[] {
  const field = (name: string) =>
    new RegExp(` ${name}="?([^" ]*)`).exec(line)?.[1]?.replaceAll('\\u0026', '&');
  const [method, path] = [field('http\\.request\\.method'), field('http\\.request\\.uri')];
  if (method === undefined || path === undefined) return [];
  if (line.includes('msg="error authorizing')) return [{ method, path, status: 401 }];
  const status = field('http\\.response\\.status');
  if (line.includes('msg="response completed') && status !== undefined) {
    return [{ method, path, status: Number(status) }];
  }
  return [];
}

/** `METHOD PATH` of each request that sends a blob or a part of one, or asks to. */
export function uploadsIn(requests: readonly LoggedRequest[]): readonly string[] {
  return linesOf(requests.filter(({ path }) => path.includes('/blobs/uploads/'))).filter(
    (line) => !line.startsWith('HEAD'),
  );
}

/** `METHOD PATH STATUS` of each request. */
export function linesOf(requests: readonly LoggedRequest[]): readonly string[] {
  return requests.map(({ method, path, status }) => `${method} ${path} ${status}`);
}
