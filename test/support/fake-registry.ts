import { type Digest, digestOf } from '../../src/oci/digest.ts';

/** One request that a {@link FakeRegistry} got. */
export interface SeenRequest {
  /** For example `HEAD /v2/app/blobs/sha256:…`, with the query. */
  readonly line: string;
  readonly headers: Headers;
  /** Bytes of the body; 0 when the script answered without reading it. */
  readonly bodyBytes: number;
}

/** A script's answer, or undefined to let the registry answer. */
export type Script = (
  request: Request,
  url: URL,
) => Response | undefined | Promise<Response | undefined>;

/** A registry in memory whose answers a test can script. */
export interface FakeRegistry extends AsyncDisposable {
  readonly host: string;
  readonly origin: string;
  readonly requests: readonly SeenRequest[];
  readonly blobs: Map<string, Uint8Array<ArrayBuffer>>;
  /** By `NAME:TAG` and `NAME@DIGEST`. */
  readonly manifests: Map<
    string,
    { readonly mediaType: string; readonly bytes: Uint8Array<ArrayBuffer> }
  >;
  /** The `line` of every request, in order. */
  lines(): readonly string[];
}

/** A certificate and its key, as files. */
export interface ServerTls {
  readonly certificate: string;
  readonly key: string;
}

/** Starts a registry on a free port of this machine. `script` is asked before it answers itself. */
export function startFakeRegistry({
  script = () => undefined,
  tls,
}: {
  script?: Script;
  tls?: ServerTls;
} = {}): FakeRegistry {
  const requests: SeenRequest[] = [];
  const blobs: FakeRegistry['blobs'] = new Map();
  const manifests: FakeRegistry['manifests'] = new Map();
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    ...(tls && { tls: { cert: Bun.file(tls.certificate), key: Bun.file(tls.key) } }),
    async fetch(request) {
      const url = new URL(request.url);
      const seen = {
        line: `${request.method} ${url.pathname}${url.search}`,
        headers: request.headers,
        bodyBytes: 0,
      };
      requests.push(seen);
      const scripted = await script(request, url);
      if (scripted !== undefined) return scripted;
      const body = new Uint8Array(await request.arrayBuffer());
      seen.bodyBytes = body.length;
      return answer({ request, url, body }, { blobs, manifests });
    },
  });
  const host = `127.0.0.1:${server.port}`;
  return {
    host,
    origin: `${tls ? 'https' : 'http'}://${host}`,
    requests,
    blobs,
    manifests,
    lines: () => requests.map(({ line }) => line),
    async [Symbol.asyncDispose]() {
      await server.stop(true);
    },
  };
}

/** An error body as the specification has it. */
export function registryErrorBody(status: number, code: string, message: string): Response {
  return Response.json({ errors: [{ code, message }] }, { status });
}

function answer(
  { request, url, body }: { request: Request; url: URL; body: Uint8Array<ArrayBuffer> },
  { blobs, manifests }: Pick<FakeRegistry, 'blobs' | 'manifests'>,
): Response {
  const [, name = '', kind = '', rest = ''] =
    /^\/v2\/(.+)\/(blobs|manifests|tags)\/(.*)$/.exec(url.pathname) ?? [];
  if (url.pathname === '/v2/') return Response.json({});
  switch (`${request.method} ${kind}`) {
    case 'POST blobs':
      return new Response(null, {
        status: 202,
        headers: { location: `/v2/${name}/blobs/uploads/1?_state=a%2Fb%3D` },
      });
    case 'PUT blobs':
      return putBlob(url.searchParams.get('digest') ?? '', body, blobs);
    case 'GET blobs':
    case 'HEAD blobs':
      return getBlob(request, blobs.get(rest));
    case 'PUT manifests':
      return putManifest(request, { name, reference: rest, body }, manifests);
    case 'GET manifests':
    case 'HEAD manifests':
      return getManifest(manifests.get(`${name}:${rest}`) ?? manifests.get(`${name}@${rest}`));
    default:
      return registryErrorBody(404, 'NAME_UNKNOWN', 'nothing here');
  }
}

function putBlob(
  digest: string,
  body: Uint8Array<ArrayBuffer>,
  blobs: FakeRegistry['blobs'],
): Response {
  if (digestOf(body) !== digest) {
    return registryErrorBody(400, 'DIGEST_INVALID', 'provided digest did not match');
  }
  blobs.set(digest, body);
  return new Response(null, { status: 201, headers: { 'docker-content-digest': digest } });
}

function getBlob(request: Request, blob: Uint8Array<ArrayBuffer> | undefined): Response {
  if (blob === undefined) return registryErrorBody(404, 'BLOB_UNKNOWN', 'blob unknown');
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.get('range') ?? '')?.[1] ?? 0);
  return new Response(blob.slice(start), {
    status: start > 0 ? 206 : 200,
    headers:
      start > 0 ? { 'content-range': `bytes ${start}-${blob.length - 1}/${blob.length}` } : {},
  });
}

function putManifest(
  request: Request,
  { name, reference, body }: { name: string; reference: string; body: Uint8Array<ArrayBuffer> },
  manifests: FakeRegistry['manifests'],
): Response {
  const digest: Digest = digestOf(body);
  const stored = { mediaType: request.headers.get('content-type') ?? '', bytes: body };
  manifests.set(`${name}@${digest}`, stored);
  if (reference !== digest) manifests.set(`${name}:${reference}`, stored);
  return new Response(null, { status: 201, headers: { 'docker-content-digest': digest } });
}

function getManifest(
  stored: { readonly mediaType: string; readonly bytes: Uint8Array<ArrayBuffer> } | undefined,
): Response {
  if (stored === undefined) return registryErrorBody(404, 'MANIFEST_UNKNOWN', 'manifest unknown');
  return new Response(stored.bytes.slice(), {
    headers: {
      'content-type': stored.mediaType,
      'docker-content-digest': digestOf(stored.bytes),
    },
  });
}
