/** One request that a {@link TokenGuard} got. */
export interface GuardedRequest {
  /** For example `PUT /v2/app/blobs/uploads/…`, with the query. */
  readonly line: string;
  readonly authorization: string | null;
  readonly status: number;
}

/** Stands before a registry that wants tokens. */
export interface TokenGuard extends AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  readonly requests: readonly GuardedRequest[];
}

/** How {@link startTokenGuard} makes tokens end. */
export interface TokenGuardOptions {
  /**
   * For how many requests a token is good; then the registry does not take it any more. A request that
   * comes again with another is let through all the same: others may have used that up in between.
   */
  readonly uses: number;
  /** What such a request is answered with: what the registry says to one without a token. */
  readonly realm: string;
  readonly service: string;
}

/**
 * Passes requests on to a registry, each token only so many times: the registry behind it sees that
 * tokens end, as they do in a push that takes long, without anybody waiting for it.
 */
export function startTokenGuard(
  registry: string,
  { uses, realm, service }: TokenGuardOptions,
): TokenGuard {
  const used = new Map<string, number>();
  const refused = new Map<string, string>();
  const requests: GuardedRequest[] = [];
  const challenge = `Bearer realm="${realm}",service="${service}",error="invalid_token"`;
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    maxRequestBodySize: 1024 ** 3,
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      const authorization = request.headers.get('authorization');
      const times = (used.get(authorization ?? '') ?? 0) + 1;
      if (authorization !== null) used.set(authorization, times);
      const line = `${request.method} ${pathname}${search}`;
      const isAgain = refused.has(line) && refused.get(line) !== authorization;
      const isOver = authorization !== null && times > uses && !isAgain;
      if (isOver) refused.set(line, authorization);
      const response = isOver
        ? new Response(null, { status: 401, headers: { 'www-authenticate': challenge } })
        : await passOn(request, `http://${registry}${pathname}${search}`);
      requests.push({ line, authorization, status: response.status });
      return response;
    },
  });
  return {
    host: `127.0.0.1:${server.port}`,
    requests,
    async [Symbol.asyncDispose]() {
      await server.stop(true);
    },
  };
}

/** The host header goes on as it is, so that the addresses of uploads lead back here. */
async function passOn({ method, headers, body }: Request, url: string): Promise<Response> {
  const answer = await fetch(url, { method, headers, body, redirect: 'manual', proxy: '' });
  return new Response(method === 'HEAD' ? null : answer.body, {
    status: answer.status,
    headers: answer.headers,
  });
}
