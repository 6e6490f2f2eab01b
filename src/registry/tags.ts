import type { AbortOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import { readWhole } from '../http/body.ts';
import { ASK_WHO_RUNS_IT } from '../http/failure.ts';
import { nextLink } from '../http/link.ts';
import { isJsonObject } from '../oci/json.ts';
import { isTag } from '../oci/reference.ts';
import { call, type RepositoryApi, repositoryUrl } from './api.ts';

const MAX_PAGE_BYTES = 8 * 1024 * 1024;
const MAX_PAGES = 10_000;
const MAX_TAGS = 1_000_000;

/**
 * All tags of a repository, page by page, in the registry's order. What is no valid tag is left out.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags
 * @throws FinchError `REMOTE_NOT_FOUND` when there is no such repository
 */
export async function listTags(
  api: RepositoryApi,
  { signal }: AbortOptions = {},
): Promise<readonly string[]> {
  const tags = new Set<string>();
  const seen = new Set<string>();
  let url: URL | undefined = repositoryUrl(api, 'tags/list');
  while (url !== undefined) {
    if (seen.has(url.href) || seen.size === MAX_PAGES || tags.size > MAX_TAGS) {
      throw new FinchError('REGISTRY', `registry ${api.registry} lists its tags without end`, {
        hint: ASK_WHO_RUNS_IT,
      });
    }
    seen.add(url.href);
    const response: Response = await call(api, { method: 'GET', url, signal }, { good: [200] });
    const page = await readWhole(response, { limit: MAX_PAGE_BYTES, signal });
    for (const tag of tagsOf(page, api)) tags.add(tag);
    url = nextPage(api, response, url);
  }
  return [...tags];
}

/** Another page is only taken from the same registry. */
function nextPage({ endpoint }: RepositoryApi, { headers }: Response, from: URL): URL | undefined {
  const link = nextLink(headers.get('link'));
  const url = link === undefined ? null : URL.parse(link, from.href);
  return url !== null && endpoint.owns(url)
    ? endpoint.url(`${url.pathname}${url.search}`)
    : undefined;
}

function tagsOf(page: Uint8Array, { registry }: RepositoryApi): readonly string[] {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(page));
  } catch {
    json = undefined;
  }
  // A repository that has lost its last tag answers null.
  const list = isJsonObject(json) ? (json['tags'] ?? []) : undefined;
  if (!Array.isArray(list)) {
    throw new FinchError('REGISTRY', `registry ${registry} sent no list of tags`, {
      hint: ASK_WHO_RUNS_IT,
    });
  }
  return list.filter((tag): tag is string => typeof tag === 'string' && isTag(tag));
}
