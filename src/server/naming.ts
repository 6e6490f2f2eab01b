import { hasCode } from '../errors.ts';
import {
  bridgeRepository,
  parseBridgeRepository,
  type RepositoryName,
  repositoryAt,
} from '../oci/bridge-repository.ts';
import { familiarRepository, isRepository, parseReference } from '../oci/reference.ts';

/** A repository that a request names. */
export interface NamedRepository {
  /** Its name in the store, before `:` or `@`. */
  readonly key: string;
  /** The path by which the client finds it again. */
  readonly path: string;
}

/** Which repositories of the store the paths of a registry name. */
export interface Naming {
  /**
   * The repository that a request is about; undefined when its path names none.
   * @param upstream the registry that the client means, where it says so (`?ns=`), as containerd does of mirrors
   */
  find(path: string, upstream: string | undefined): NamedRepository | undefined;
  /** The path of a repository. One that {@link Naming.find} does not lead back from has none. */
  pathOf(name: RepositoryName): string;
  /** Whether what a tag named before stays by its digest, as clients of a registry expect; else it may be freed. */
  readonly keepsMoved: boolean;
}

/**
 * As users write names: `hello-finch` is `docker.io/library/hello-finch`; a path that begins with a host is that
 * registry's repository.
 */
export const familiarNaming: Naming = {
  find(path) {
    if (!isRepository(path)) return undefined;
    try {
      return { key: keyOf(parseReference(`${path}:latest`)), path };
    } catch (error) {
      if (hasCode(error, 'REFERENCE_INVALID')) return undefined;
      throw error;
    }
  },
  pathOf: familiarRepository,
  keepsMoved: true,
};

/**
 * As the bridge's clients write them: every path begins with a host ({@link bridgeRepository}), but where the
 * client says which registry it means. A tag that is moved lets go of what it named, as a build does.
 */
export const bridgeNaming: Naming = {
  find(path, upstream) {
    const name =
      upstream === undefined ? parseBridgeRepository(path) : repositoryAt(upstream, path);
    return name && { key: keyOf(name), path: bridgeRepository(name) };
  },
  pathOf: bridgeRepository,
  keepsMoved: false,
};

function keyOf({ registry, repository }: RepositoryName): string {
  return `${registry}/${repository}`;
}
