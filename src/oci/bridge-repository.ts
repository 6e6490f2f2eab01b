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

/** The registry of no image, under which one of the engine is in the store until all of it is there. */
const ON_ITS_WAY = 'engine.invalid';

const PASSING = /^engine\.invalid\/[0-9a-f]{32}\//;

/** The path below which images are on their way for the one who has `id`: 32 hexadecimal digits. */
export function passingPath(id: string): string {
  return `${ON_ITS_WAY}/${id}`;
}

/** Whether a name is that of an image that is on its way from the engine: nobody gave it, and nobody is shown it. */
export function isPassing(name: string): boolean {
  return PASSING.test(name);
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
