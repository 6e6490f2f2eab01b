import { setImmediate } from 'node:timers/promises';
import type { Descriptor } from '../oci/descriptor.ts';
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

/** How much of one page of referrers their descriptors may be; one is sent whatever its length. */
const MAX_PAGE_LENGTH = 2 * 1024 * 1024;

/**
 * The documents of the repository whose subject is a digest, which itself need not be here; in pages when
 * they are too many for one answer.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
 */
export async function listReferrers({ store, names }: Registry, call: Call): Promise<Response> {
  const { request, key, reference, query } = call;
  if (!isDigest(reference)) {
    throw new RegistryError(400, 'DIGEST_INVALID', { message: 'this is not a valid digest' });
  }
  // A client that sends a media type as it is means its `+`, which a query reads as a space.
  const wanted = query.get('artifactType')?.replaceAll(' ', '+');
  const after = query.get('last') ?? '';
  const manifests: Descriptor[] = [];
  let length = 0;
  let link = {};
  for (const referrer of store.referrers(reference, { after })) {
    // To read one may take a while; other requests need not wait for all of them.
    await setImmediate();
    const { digest, artifactType } = referrer;
    if (!names.sees(key, digest)) continue;
    if (wanted !== undefined && artifactType !== wanted) continue;
    length += JSON.stringify(referrer).length;
    const last = manifests.at(-1)?.digest;
    if (last !== undefined && length > MAX_PAGE_LENGTH) {
      link = nextLink(request, { ...(wanted !== undefined && { artifactType: wanted }), last });
      break;
    }
    manifests.push(referrer);
  }
  const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests };
  const filtered = wanted === undefined ? {} : { 'OCI-Filters-Applied': 'artifactType' };
  return Response.json(index, {
    headers: { 'Content-Type': mediaTypes.index, ...filtered, ...link },
  });
}

function paginate(all: readonly string[], { request, query }: Call) {
  const limit = query.get('n') ?? '';
  if (!/^\d*$/.test(limit)) {
    const message = 'n must be a whole number';
    throw new RegistryError(400, 'PAGINATION_NUMBER_INVALID', { message });
  }
  const after = query.get('last');
  const rest = all.filter((item) => after === null || compare(item, after) > 0).sort(compare);
  const page = limit === '' ? rest : rest.slice(0, Number(limit));
  const last = page.at(-1);
  if (last === undefined || page.length === rest.length) return { page, headers: {} };
  return { page, headers: nextLink(request, { n: limit, last }) };
}

/** The header by which a list goes on. https://www.rfc-editor.org/rfc/rfc8288 */
function nextLink(request: Request, query: Readonly<Record<string, string>>) {
  const { pathname, searchParams } = new URL(request.url);
  const upstream = searchParams.get('ns');
  const next = new URLSearchParams({ ...query, ...(upstream !== null && { ns: upstream }) });
  return { Link: `<${pathname}?${next}>; rel="next"` };
}

/** The API's "lexical order (i.e. case-insensitive alphanumeric order)", made total. */
function compare(a: string, b: string): number {
  const [x, y] = [a.toLowerCase(), b.toLowerCase()];
  if (x !== y) return x < y ? -1 : 1;
  return a === b ? 0 : a < b ? -1 : 1;
}
