import { type BasicLogin, requireLogin } from './basic-auth.ts';
import { deleteBlob, getBlob } from './blobs.ts';
import { listReferrers, listRepositories, listTags } from './lists.ts';
import { deleteManifest, getManifest } from './manifests.ts';
import type { Pace } from './pace.ts';
import { putManifest } from './put-manifest.ts';
import type { Handler, Registry } from './registry.ts';
import { RegistryError } from './registry-error.ts';
import { parseRoute, type Route } from './route.ts';
import {
  cancelUpload,
  continueUpload,
  finishUpload,
  startUpload,
  uploadStatus,
} from './uploads.ts';
import { refuseWebPages } from './web-page-guard.ts';

/** What the API answers to; `HEAD` where there is `GET`. */
const ENDPOINTS: Readonly<Record<Route['kind'], Readonly<Record<string, Handler>>>> = {
  base: { GET: () => Response.json({}) },
  catalog: { GET: listRepositories },
  tags: { GET: listTags },
  referrers: { GET: listReferrers },
  blob: { GET: getBlob, DELETE: deleteBlob },
  uploads: { POST: startUpload },
  upload: {
    GET: uploadStatus,
    PATCH: continueUpload,
    PUT: finishUpload,
    DELETE: cancelUpload,
  },
  manifest: { GET: getManifest, PUT: putManifest, DELETE: deleteManifest },
};

/** How {@link answer} answers. */
export interface AnswerOptions {
  readonly readOnly: boolean;
  /** Whether the server is for other machines too, by whatever name they know it. */
  readonly allowRemote: boolean;
  /** What everybody is asked for; nothing when undefined. */
  readonly login: BasicLogin | undefined;
  /** How fast the client of the request sends and takes. */
  readonly pace: Pace;
}

/**
 * The answer to one request of the distribution API.
 * @throws RegistryError and, from the store, FinchError
 */
export async function answer(
  registry: Registry,
  request: Request,
  { readOnly, allowRemote, login, pace }: AnswerOptions,
): Promise<Response> {
  if (login !== undefined) requireLogin(request, login);
  const url = URL.parse(request.url);
  if (url === null) {
    const message = 'the Host of the request is no host name or address';
    throw new RegistryError(400, 'UNSUPPORTED', { message });
  }
  const route = parseRoute(url.pathname);
  if (route === undefined) {
    const message = 'this is no path of the distribution API, which begins at /v2/';
    throw new RegistryError(404, 'UNSUPPORTED', { message });
  }
  refuseWebPages(request, url, { anyName: allowRemote });
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  if (readOnly && method !== 'GET') {
    const message = 'this registry is read-only';
    throw new RegistryError(405, 'UNSUPPORTED', { message, headers: { Allow: 'GET, HEAD' } });
  }
  const methods = ENDPOINTS[route.kind];
  const handler = Object.hasOwn(methods, method) ? methods[method] : undefined;
  if (handler === undefined) {
    const allowed = Object.keys(methods).map((name) => (name === 'GET' ? 'GET, HEAD' : name));
    throw new RegistryError(405, 'UNSUPPORTED', {
      message: 'this path does not have this method',
      headers: { Allow: allowed.join(', ') },
    });
  }
  const query = url.searchParams;
  const { key, path: repository } =
    'repository' in route
      ? registry.names.find(route.repository, query.get('ns') ?? undefined)
      : { key: '', path: '' };
  const reference = 'reference' in route ? route.reference : '';
  return handler(registry, { request, query, repository, key, reference, pace });
}
