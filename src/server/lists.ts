import { isDigest } from '../oci/digest.ts';
import { mediaTypes } from '../oci/media-types.ts';
import type { Call, Registry } from './registry.ts';
import { RegistryError } from './registry-error.ts';

/**
 * The tags of a repository, in the API's order, in pages when the client asks for them.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags
 */
export function listTags({ names }: Registry, call: Call): Response {
  const tags = names.tags(call.key);
  if (tags === undefined) {
    const message = `this registry has no repository ${call.repository}`;
    throw new RegistryError(404, 'NAME_UNKNOWN', { message });
  }
  const { page, headers } = paginate(tags, call);
  return Response.json({ name: call.repository, tags: page }, { headers });
}

/** The repositories of the registry, in pages when the client asks for them, as docker's registry does. */
export function listRepositories({ names }: Registry, call: Call): Response {
  const { page, headers } = paginate(names.repositories(), call);
  return Response.json({ repositories: page }, { headers });
}

/**
 * The documents of the repository whose subject is a digest, which itself need not be here.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
 */
export function listReferrers({ store, names }: Registry, call: Call): Response {
  const { key, reference, query } = call;
  if (!isDigest(reference)) {
    throw new RegistryError(400, 'DIGEST_INVALID', { message: 'this is not a valid digest' });
  }
  const wanted = query.get('artifactType');
  const manifests = store
    .referrers(reference)
    .filter(({ digest }) => names.sees(key, digest))
    .filter(({ artifactType }) => wanted === null || artifactType === wanted);
  const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests };
  const filtered = wanted === null ? {} : { 'OCI-Filters-Applied': 'artifactType' };
  return Response.json(index, { headers: { 'Content-Type': mediaTypes.index, ...filtered } });
}

function paginate(all: readonly string[], { request, query }: Call) {
  const limit = query.get('n') ?? '';
  if (!/^\d{0,9}$/.test(limit)) {
    const message = 'n must be a whole number';
    throw new RegistryError(400, 'PAGINATION_NUMBER_INVALID', { message });
  }
  const after = query.get('last');
  const rest = all.filter((item) => after === null || compare(item, after) > 0).sort(compare);
  const page = limit === '' ? rest : rest.slice(0, Number(limit));
  const last = page.at(-1);
  if (last === undefined || page.length === rest.length) return { page, headers: {} };
  const next = new URLSearchParams({ n: limit, last });
  return { page, headers: { Link: `<${new URL(request.url).pathname}?${next}>; rel="next"` } };
}

/** The API's "lexical order (i.e. case-insensitive alphanumeric order)", made total. */
function compare(a: string, b: string): number {
  const [x, y] = [a.toLowerCase(), b.toLowerCase()];
  if (x !== y) return x < y ? -1 : 1;
  return a === b ? 0 : a < b ? -1 : 1;
}
