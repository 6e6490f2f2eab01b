import { FinchError } from '../errors.ts';
import { mirrored } from './mirrors.ts';
import { openRepository, type RepositoryOptions } from './open-repository.ts';
import type { Repository } from './repository.ts';
import type { Site, Sites } from './site.ts';

/** {@link RepositoryOptions} for several hosts, and who hears about them. */
export interface OpenAtSitesOptions extends Omit<RepositoryOptions, 'site'> {
  /** One line for the user. */
  readonly report?: (line: string) => void;
  /** One line for `--debug`. */
  readonly trace?: (line: string) => void;
}

/**
 * A repository at whichever host of its registry can do what is wanted. To pull, the mirrors are asked
 * first and only once each; to push, the first host with the capability for it is the only one, and the
 * user hears when that is not the registry itself. Each host gets its own login, and only the registry
 * itself may be insecure.
 * @throws FinchError `CONFIG_INVALID` when no host may be pushed to
 */
export function openAtSites(
  { server, mirrors, source }: Sites,
  name: string,
  options: OpenAtSitesOptions,
): Repository {
  const { insecure, report = () => {}, trace, ...rest } = options;
  const open = (site: Site, more: Partial<RepositoryOptions> = {}): Repository => {
    const isInsecure = insecure === true && site === server;
    return openRepository(
      { registry: site.name, name },
      { ...rest, ...more, site, insecure: isInsecure },
    );
  };
  const sites = [...mirrors, server];
  if (options.access === 'push') {
    const target = sites.find(({ capabilities }) => capabilities.includes('push'));
    if (target === undefined) {
      throw new FinchError('CONFIG_INVALID', `no host of ${server.name} may be pushed to`, {
        hint: `add "push" to the capabilities of one in ${source ?? 'hosts.toml'}`,
      });
    }
    if (target !== server)
      report(`what goes to ${server.name} is pushed to ${target.host}, as ${source} says`);
    return open(target);
  }
  const own = open(server);
  if (mirrors.length === 0) return own;
  const ways = mirrors.map((site) => ({
    site,
    // There is another to ask, so it is not worth to wait, nor to believe what may be wrong.
    repository: open(site, { retry: { ...rest.retry, attempts: 1 }, resolveByBytes: true }),
  }));
  return mirrored(own, { ways: [...ways, { site: server, repository: own }], trace });
}
