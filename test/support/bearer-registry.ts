import { type FakeRegistry, registryErrorBody, startFakeRegistry } from './fake-registry.ts';

/** A registry that wants Bearer tokens, with a token server that counts. */
export interface BearerRegistry extends AsyncDisposable {
  readonly registry: FakeRegistry;
  /** `127.0.0.1:PORT` of the token server. */
  readonly tokens: string;
  /** What the token server was asked. */
  readonly asked: readonly { readonly url: URL; readonly authorization: string | null }[];
  /** The one token that the registry takes; `*` is every one. */
  readonly accepted: { token: string };
  /** What it says in place of a challenge that names the repository. */
  readonly challenge: {
    scope?: string;
    /** The path of the only requests that are told how to get in. */
    only?: string;
    /** Wanted from now on in place of Bearer. */
    instead?: string;
    /** Whether everything is denied to whoever has a token. */
    denies?: boolean;
  };
  /** Holds the answer to the next request for a path back until it is released. */
  hold(path: string): { readonly arrived: Promise<void>; release(): void };
}

/** What a token server answers: members of the JSON beside `token`, or something else altogether. */
type TokenAnswer = (url: URL, request: Request) => unknown;

/**
 * Starts a {@link BearerRegistry}, whose tokens are `t1`, `t2` and so on.
 * @param givesTokens whether it is its own token server
 */
export function startBearerRegistry(
  answer: TokenAnswer = () => ({}),
  { givesTokens = false } = {},
): BearerRegistry {
  const asked: { readonly url: URL; readonly authorization: string | null }[] = [];
  const giveToken = async (request: Request) => {
    const url = new URL(request.url);
    asked.push({ url, authorization: request.headers.get('authorization') });
    const body = (await answer(url, request)) ?? {};
    return body instanceof Response ? body : Response.json({ token: `t${asked.length}`, ...body });
  };
  const server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: giveToken });
  const accepted: BearerRegistry['accepted'] = { token: '*' };
  const challenge: BearerRegistry['challenge'] = {};
  const isAccepted = (sent: string | null) => {
    if (challenge.instead !== undefined) return sent?.startsWith('Basic ') ?? false;
    if (accepted.token === '*') return sent?.startsWith('Bearer ') ?? false;
    return sent === `Bearer ${accepted.token}`;
  };
  const held = new Map<string, { arrived: () => void; go: Promise<void> }>();
  const registry = startFakeRegistry({
    async script(request, { pathname, host }) {
      if (pathname === '/token') return giveToken(request);
      const { method, headers } = request;
      const hold = held.get(pathname);
      held.delete(pathname);
      hold?.arrived();
      await hold?.go;
      const { only, instead, denies } = challenge;
      if (isAccepted(headers.get('authorization'))) {
        return denies ? registryErrorBody(403, 'DENIED', 'not yours') : undefined;
      }
      if (instead !== undefined) return challenged(instead);
      if (only !== undefined && pathname !== only) return new Response(null, { status: 401 });
      const name = /^\/v2\/(.+)\/(?:blobs|manifests|tags)\//.exec(pathname)?.[1];
      const actions = method === 'GET' || method === 'HEAD' ? 'pull' : 'pull,push';
      const own = name === undefined ? '' : `repository:${name}:${actions}`;
      const realm = `http://${givesTokens ? host : tokens}/token?own=1`;
      return challenged(`Bearer realm="${realm}",service="reg",scope="${challenge.scope ?? own}"`);
    },
  });
  const tokens = givesTokens ? registry.host : `127.0.0.1:${server.port}`;
  return {
    ...{ asked, accepted, challenge, registry, tokens },
    hold(path) {
      const arrived = Promise.withResolvers<void>();
      const go = Promise.withResolvers<void>();
      held.set(path, { arrived: arrived.resolve, go: go.promise });
      return { arrived: arrived.promise, release: go.resolve };
    },
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      await server.stop(true);
    },
  };
}

/** A 401 with a `WWW-Authenticate` header. */
export function challenged(challenge: string): Response {
  return new Response(null, { status: 401, headers: { 'www-authenticate': challenge } });
}

/** The `Authorization` of every request that a registry got, but for those for tokens. */
export function authorizations({ requests }: FakeRegistry): readonly (string | null)[] {
  const others = requests.filter(({ line }) => !line.startsWith('GET /token'));
  return others.map(({ headers }) => headers.get('authorization'));
}
