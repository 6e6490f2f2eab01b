import { join } from 'node:path';
import type { Digest } from '../../src/oci/digest.ts';
import { isDocumentType } from '../../src/oci/media-types.ts';
import { type ServeOptions, serveRegistry } from '../../src/server/serve-registry.ts';
import type { ImageStore } from '../../src/store/image-store.ts';
import { openImageStore } from '../../src/store/open-store.ts';
import type { Built } from '../support/images.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** A registry that listens on a free port of this machine, over a store of its own. */
export interface Served extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly store: ImageStore;
  /** `skopeo`'s and `crane`'s form: `127.0.0.1:PORT`. */
  readonly host: string;
  stop(): Promise<void>;
}

/** @param shared the store of another one, which stays open longer; its own when left out */
export async function serve(
  options: Partial<ServeOptions> = {},
  shared?: Pick<ImageStore, 'path'>,
): Promise<Served> {
  await using resources = new AsyncDisposableStack();
  const folder = resources.use(await temporaryFolder());
  const path = shared?.path ?? join(folder.path, 'store');
  const store = resources.use(await openImageStore(path));
  const server = await serveRegistry(store, { hostname: '127.0.0.1', port: 0, ...options });
  resources.defer(() => server.stop());
  const owned = resources.move();
  return {
    url: server.url,
    port: server.port,
    host: `127.0.0.1:${server.port}`,
    store,
    stop: () => server.stop(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Sends a blob in one request; the answer. */
export function putBlob(
  url: string,
  digest: Digest,
  bytes: Uint8Array,
  repository = 'some/repo',
): Promise<Response> {
  return fetch(`${url}/v2/${repository}/blobs/uploads/?digest=${digest}`, {
    method: 'POST',
    body: bytes,
  });
}

/** Puts a document by tag or digest; the answer. */
export function putDocument(
  url: string,
  bytes: Uint8Array,
  { mediaType }: { readonly mediaType: string },
): Promise<Response> {
  return fetch(url, { method: 'PUT', body: bytes, headers: { 'content-type': mediaType } });
}

/** Pushes an image as clients do: blobs, members by digest, the root by tag. */
export async function push(url: string, name: string, built: Built): Promise<void> {
  const colon = name.lastIndexOf(':');
  const repository = name.slice(0, colon);
  const manifests = `${url}/v2/${repository}/manifests`;
  for (const descriptor of built.order) {
    const { digest, mediaType } = descriptor;
    const bytes = built.blobs.get(digest) ?? new Uint8Array();
    const reference = descriptor === built.root ? name.slice(colon + 1) : digest;
    const response = isDocumentType(mediaType)
      ? await putDocument(`${manifests}/${reference}`, bytes, { mediaType })
      : await putBlob(url, digest, bytes, repository);
    if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`);
  }
}

/** The status of an answer and, of an error, its codes. */
export async function outcome(response: Response): Promise<readonly unknown[]> {
  const text = await response.text();
  if (response.ok || text === '') return [response.status];
  const { errors } = JSON.parse(text) as { errors: readonly { code: string }[] };
  return [response.status, ...errors.map(({ code }) => code)];
}

/** The names in a store, in alphabetical order. */
export function namesOf(store: ImageStore): readonly string[] {
  return store
    .names()
    .map(({ name }) => name)
    .sort();
}
