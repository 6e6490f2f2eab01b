import { isRepositoryName } from '../aws/ecr/repository-name.ts';
import { type EcrRegistry, parseEcrHost } from '../aws/ecr-host.ts';
import { ecrRegistryOf, writtenEcr } from '../credentials/written-ecr.ts';
import { FinchError } from '../errors.ts';
import type { Reference } from '../oci/reference.ts';
import { quote } from '../text.ts';

/** A repository of Amazon ECR as the user names it. */
export interface NamedRepository {
  /** Missing where the user names none. */
  readonly registry: EcrRegistry | undefined;
  /** As AWS names it. */
  readonly name: string;
  /** At ECR Public, what comes before that: it says whose it is. */
  readonly alias?: string | undefined;
}

/** A repository of a registry. */
export interface NamedEcrRepository extends NamedRepository {
  readonly registry: EcrRegistry;
}

/**
 * Reads `HOST/NAME`, perhaps with a scheme, a tag or a digest, which do not count, or `NAME` alone.
 * @throws FinchError `USAGE` for a host that is none of Amazon ECR, one without a name, and a name that it does
 * not take; `REFERENCE_INVALID`
 */
export function parseNamedRepository(text: string): NamedRepository {
  const slash = text.indexOf('/');
  const host = slash === -1 ? '' : text.slice(0, slash);
  // A name may have dots before the first slash too; it is much rarer than a host there.
  if (!/[.:]/.test(host) && parseEcrHost(text) === undefined) {
    return { registry: undefined, name: checkedName(text) };
  }
  const { registry, reference } = writtenEcr(text);
  if (reference !== undefined) return ecrRepository(reference);
  throw new FinchError('USAGE', `${registry.host} is a registry, and names no repository`, {
    hint: `write ${registry.host}/NAME`,
  });
}

/**
 * The repository of Amazon ECR that a reference names.
 * @throws FinchError `USAGE` as {@link parseNamedRepository}
 */
export function ecrRepository({ registry: host, repository }: Reference): NamedEcrRepository {
  const registry = ecrRegistryOf(host, {
    hint: 'only Amazon ECR makes repositories when it is asked to; most others make one when an image is pushed',
  });
  const slash = repository.indexOf('/');
  if (registry.kind === 'private' || slash === -1) {
    return { registry, name: checkedName(repository) };
  }
  const alias = repository.slice(0, slash);
  return { registry, alias, name: checkedName(repository.slice(slash + 1)) };
}

function checkedName(name: string): string {
  if (isRepositoryName(name)) return name;
  throw new FinchError('USAGE', `Amazon ECR takes no repository of the name ${quote(name)}`, {
    hint: 'a name has 2 to 256 characters: lower case letters, digits, and single . _ - / between them',
  });
}
