import { FinchError } from '../../errors.ts';
import { distrust } from '../../http/distrust.ts';
import { ASK_WHO_RUNS_IT } from '../../http/failure.ts';
import type { Digest } from '../../oci/digest.ts';
import { excerpt } from '../../text.ts';
import type { RepositoryApi } from '../api.ts';

/**
 * Where an upload goes on: the `Location` of an answer, absolute or relative. Its query stays as it
 * is, for it may be signed. An address of this registry takes the scheme that it is spoken to with.
 * @throws FinchError `REGISTRY` when it is missing or {@link distrust} speaks against it
 */
export function uploadLocation({ registry, endpoint }: RepositoryApi, response: Response): URL {
  const invalid = (what: string) =>
    new FinchError('REGISTRY', `registry ${registry} ${what}`, { hint: ASK_WHO_RUNS_IT });
  const location = response.headers.get('location');
  // An empty one would be the address that was asked.
  if (!location) throw invalid('opened an upload without saying where');
  const url = URL.parse(location, response.url);
  if (url === null) throw invalid('opened an upload at no valid address');
  if (endpoint.owns(url)) return endpoint.url(`${url.pathname}${url.search}`);
  const why = distrust(url, { from: endpoint.url('') });
  if (why !== undefined)
    throw invalid(`wants the upload to go to ${excerpt(url.host)}, which ${why}`);
  url.hash = '';
  return url;
}

/** {@link uploadLocation} of an answer that need not bring a new one; else it stays where it was. */
export function movedLocation(api: RepositoryApi, response: Response, before: URL): URL {
  return response.headers.get('location') ? uploadLocation(api, response) : before;
}

/**
 * The address of an upload that was written down; undefined when it cannot be one of this registry's,
 * or would not be asked over TLS where the registry is.
 */
export function keptLocation({ endpoint }: RepositoryApi, location: string): URL | undefined {
  const url = URL.parse(location);
  if (url === null || !endpoint.owns(url)) return undefined;
  if (endpoint.usesTls && url.protocol !== 'https:') return undefined;
  return endpoint.url(`${url.pathname}${url.search}`);
}

/** The address that closes an upload. A digest needs no escape in a query. */
export function withDigest(location: URL, digest: Digest): URL {
  return withParameters(location, `digest=${digest}`);
}

/** An address with more in its query, whose bytes before that stay as they are. */
export function withParameters(location: URL, parameters: string): URL {
  const { href, search } = location;
  // An empty query has no `search`, and its mark is there all the same.
  const join = search !== '' ? '&' : href.endsWith('?') ? '' : '?';
  return new URL(`${href}${join}${parameters}`);
}
