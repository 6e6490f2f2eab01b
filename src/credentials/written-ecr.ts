import { type EcrRegistry, parseEcrHost } from '../aws/ecr-host.ts';
import { FinchError } from '../errors.ts';
import { type ParsedReference, parseReference } from '../oci/reference.ts';
import { quote } from '../text.ts';
import { isPart, parseServer } from './server-name.ts';

/** What the user wrote of Amazon ECR. */
export interface WrittenEcr {
  readonly registry: EcrRegistry;
  /** Missing where it is the registry alone. */
  readonly reference: ParsedReference | undefined;
}

/**
 * Reads `HOST` or `HOST/NAME[:TAG|@DIGEST]`, perhaps with a scheme before it. The path of an API version, as in
 * `https://HOST/v2/`, names no repository.
 * @throws FinchError `USAGE` for what is no registry of Amazon ECR, `REFERENCE_INVALID`
 */
export function writtenEcr(text: string): WrittenEcr {
  const [, scheme = '', host = '', path = ''] = /^([^/]*:\/\/)?([^/]*)(.*)$/s.exec(text) ?? [];
  const registry = ecrRegistryOf(parseServer(`${scheme}${host}` || '/').registry);
  // Without a scheme before it, `v2` may well be a repository.
  const isWhole = scheme === '' ? /^\/?$/.test(path) : !isPart(`${registry.host}${path}`);
  const name = path.replace(/^\/|\/+$/g, '');
  return { registry, reference: isWhole ? undefined : parseReference(`${registry.host}/${name}`) };
}

/**
 * The registry of Amazon ECR that the user wrote; a path behind its host does not count.
 * @throws FinchError `USAGE` when it is none
 */
export function writtenEcrHost(text: string): EcrRegistry {
  return ecrRegistryOf(parseServer(text).registry);
}

/**
 * The registry of Amazon ECR that a host is.
 * @param hint what else the user can do. Default: how one is named
 * @throws FinchError `USAGE` when it is none
 */
export function ecrRegistryOf(
  host: string,
  { hint = 'name one as in 111222333444.dkr.ecr.eu-west-1.amazonaws.com, or public.ecr.aws' } = {},
): EcrRegistry {
  const registry = parseEcrHost(host);
  if (registry !== undefined) return registry;
  throw new FinchError('USAGE', `${quote(host)} is no registry of Amazon ECR`, { hint });
}
