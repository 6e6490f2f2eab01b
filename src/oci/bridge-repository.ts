import { DEFAULT_REGISTRY, isRegistry, isRepository, type Reference } from './reference.ts';

/** What names a repository anywhere. */
export type RepositoryName = Pick<Reference, 'registry' | 'repository'>;

/** The names of Docker Hub: of its images, of its logins and of its registry. */
const HUB: readonly string[] = [DEFAULT_REGISTRY, 'index.docker.io', 'registry-1.docker.io'];

/** Stands for the colon before a port: no host has underscores. */
const PORT = '__';

/** Stands before the hexadecimal digits of a host that has what no path has: capitals, or the brackets of IPv6. */
const CODED = 'hex_';

const PLAIN_HOST = /^[a-z0-9.-]+(?::[0-9]+)?$/;

/**
 * The path of any registry's repository in the registry of the bridge. Its first part is the host:
 * `docker.io/library/alpine`, `localhost__5000/app`. {@link parseBridgeRepository} is the way back.
 */
export function bridgeRepository({ registry, repository }: RepositoryName): string {
  const host = PLAIN_HOST.test(registry)
    ? registry.replace(':', PORT)
    : CODED + Buffer.from(registry).toString('hex');
  return `${host}/${repository}`;
}

/** The repository that a path in the registry of the bridge stands for; undefined when it stands for none. */
export function parseBridgeRepository(path: string): RepositoryName | undefined {
  const [, first = '', rest = ''] = /^([^/]*)\/(.*)$/s.exec(path) ?? [];
  const registry = first.startsWith(CODED)
    ? Buffer.from(first.slice(CODED.length), 'hex').toString()
    : first.replace(PORT, ':');
  const isSpelled = bridgeRepository({ registry, repository: rest }) === path;
  return isSpelled ? repositoryAt(registry, rest) : undefined;
}

/**
 * The repository that a registry has under `path`: of all names of Docker Hub it is that of `docker.io`, whose
 * one-part names stand below `library/`. Undefined when one of both is not valid.
 */
export function repositoryAt(registry: string, path: string): RepositoryName | undefined {
  if (!isRegistry(registry) || !isRepository(path)) return undefined;
  if (!HUB.includes(registry)) return { registry, repository: path };
  return { registry: DEFAULT_REGISTRY, repository: path.includes('/') ? path : `library/${path}` };
}
