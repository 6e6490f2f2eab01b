/** What a path of the distribution API asks for. Names in it are not checked yet. */
export type Route =
  | { readonly kind: 'base' }
  | { readonly kind: 'catalog' }
  | { readonly kind: 'tags' | 'uploads'; readonly repository: string }
  | {
      readonly kind: 'blob' | 'upload' | 'manifest' | 'referrers';
      readonly repository: string;
      /** A digest, a tag, or the id of an upload. */
      readonly reference: string;
    };

// A repository may itself end in `/blobs` or `/manifests`: the first part is greedy.
const TAGS = /^\/v2\/(.+)\/tags\/list$/;
const UPLOADS = /^\/v2\/(.+)\/blobs\/uploads\/?$/;
const UPLOAD = /^\/v2\/(.+)\/blobs\/uploads\/([^/]+)$/;
const NAMED = /^\/v2\/(.+)\/(blobs|manifests|referrers)\/([^/]+)$/;
const KINDS = { blobs: 'blob', manifests: 'manifest', referrers: 'referrers' } as const;

/**
 * The route of a request's path, still percent-encoded; undefined when the API has no such path.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#endpoints
 */
export function parseRoute(pathname: string): Route | undefined {
  const path = decode(pathname);
  if (path === undefined) return undefined;
  if (path === '/v2/' || path === '/v2') return { kind: 'base' };
  if (path === '/v2/_catalog') return { kind: 'catalog' };
  const tags = TAGS.exec(path)?.[1];
  if (tags !== undefined) return { kind: 'tags', repository: tags };
  const uploads = UPLOADS.exec(path)?.[1];
  if (uploads !== undefined) return { kind: 'uploads', repository: uploads };
  const [, uploadRepository, id] = UPLOAD.exec(path) ?? [];
  if (uploadRepository !== undefined && id !== undefined) {
    return { kind: 'upload', repository: uploadRepository, reference: id };
  }
  const [, repository, noun, reference] = NAMED.exec(path) ?? [];
  if (repository === undefined || reference === undefined) return undefined;
  return { kind: KINDS[noun as keyof typeof KINDS], repository, reference };
}

function decode(pathname: string): string | undefined {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return undefined;
  }
}
