import { createPrivateKey, sign, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { makeAuthority } from './certificates.ts';
import { temporaryFolder } from './temporary.ts';

/** How {@link startTokenServer} behaves. */
export interface TokenServerOptions {
  /** Names and passwords. */
  readonly users: Readonly<Record<string, string>>;
  /** The name of this machine that the realm has. Default: `127.0.0.1`. */
  readonly hostname?: string;
  /** What `expires_in` says. Default: 60. */
  readonly lifeSeconds?: number;
  /** The scopes that a token grants of those that were asked for. Default: all. */
  readonly grant?: (scope: string) => string | undefined;
  /** Whether refresh tokens are given, and each is good for one use only. Default: none. */
  readonly refresh?: 'none' | 'lasting' | 'rotating';
  /** The status with which every request of a method is refused. */
  readonly refuse?: { readonly GET?: number; readonly POST?: number };
}

/** One request that a {@link TokenServer} got. */
export interface TokenRequestSeen {
  readonly method: string;
  readonly url: URL;
  /** Of the query or the form. */
  readonly params: URLSearchParams;
  readonly authorization: string | null;
  readonly status: number;
}

/** A token server that signs what `docker-registry` takes. */
export interface TokenServer extends AsyncDisposable {
  readonly realm: string;
  readonly service: string;
  readonly issuer: string;
  /** The file of the authority that its signatures come from. */
  readonly rootCertificate: string;
  readonly requests: readonly TokenRequestSeen[];
  /** Refresh tokens that are good now. */
  readonly refreshTokens: ReadonlySet<string>;
  /** Lets no refresh token be good any more. */
  revoke(): void;
}

const SERVICE = 'finch test registry';
const ISSUER = 'finch test';

/**
 * Starts a token server on a free port of this machine: JSON Web Tokens for GET with Basic and for POST
 * with a form, as the specification of `distribution` has them.
 */
export async function startTokenServer(options: TokenServerOptions): Promise<TokenServer> {
  const folder = await temporaryFolder();
  const { ca, certificate, key } = await makeAuthority(folder.path);
  const signer = {
    key: createPrivateKey(await readFile(key)),
    chain: [new X509Certificate(await readFile(certificate)).raw.toString('base64')],
  };
  const requests: TokenRequestSeen[] = [];
  const refreshTokens = new Set<string>();
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      const url = new URL(request.url);
      const isForm = request.method === 'POST';
      const params = isForm ? new URLSearchParams(await request.text()) : url.searchParams;
      const authorization = request.headers.get('authorization');
      const seen = { method: request.method, url, params, authorization };
      const response = answer(seen, { options, signer, refreshTokens });
      requests.push({ ...seen, status: response.status });
      return response;
    },
  });
  return {
    realm: `http://${options.hostname ?? '127.0.0.1'}:${server.port}/token`,
    service: SERVICE,
    issuer: ISSUER,
    rootCertificate: ca,
    requests,
    refreshTokens,
    revoke: () => refreshTokens.clear(),
    async [Symbol.asyncDispose]() {
      await server.stop(true);
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** The key of {@link TokenServer.rootCertificate}'s certificate, and the certificate in DER. */
interface Signer {
  readonly key: ReturnType<typeof createPrivateKey>;
  readonly chain: readonly string[];
}

interface Surroundings {
  readonly options: TokenServerOptions;
  readonly signer: Signer;
  readonly refreshTokens: Set<string>;
}

function answer(
  { method, params, authorization }: Omit<TokenRequestSeen, 'status'>,
  { options, signer, refreshTokens }: Surroundings,
): Response {
  const {
    refuse = {},
    refresh = 'none',
    lifeSeconds = 60,
    grant = (scope: string) => scope,
  } = options;
  const status = method === 'POST' ? refuse.POST : refuse.GET;
  if (status !== undefined) return new Response(null, { status });
  const login = method === 'POST' ? formLogin(params) : basicLogin(authorization);
  const { user, used } = whoIs(login, { options, refreshTokens });
  if (user === undefined) {
    return Response.json({ details: 'incorrect username or password' }, { status: 401 });
  }
  const asked = params.getAll('scope').flatMap((scope) => scope.split(' '));
  const granted = asked.map(grant).filter((scope) => scope !== undefined);
  const wantsRefresh =
    params.get('offline_token') === 'true' || params.get('access_type') === 'offline';
  const isRotation = refresh === 'rotating' && used !== undefined;
  if (isRotation) refreshTokens.delete(used);
  const next = isRotation || (wantsRefresh && refresh !== 'none') ? newRefreshToken() : undefined;
  if (next !== undefined) refreshTokens.add(next);
  const token = signed({ user, granted, lifeSeconds }, signer);
  return Response.json({
    [method === 'POST' ? 'access_token' : 'token']: token,
    expires_in: lifeSeconds,
    ...(next !== undefined && { refresh_token: next }),
  });
}

/** What was shown: a user with a password, a refresh token, or nothing. */
type Shown =
  | { readonly user: string; readonly password: string }
  | { readonly refreshToken: string }
  | undefined;

function formLogin(params: URLSearchParams): Shown {
  const refreshToken = params.get('refresh_token') ?? '';
  if (params.get('grant_type') === 'refresh_token') return { refreshToken };
  return { user: params.get('username') ?? '', password: params.get('password') ?? '' };
}

function basicLogin(authorization: string | null): Shown {
  if (authorization === null) return undefined;
  const text = Buffer.from(authorization.replace(/^Basic /, ''), 'base64').toString();
  const colon = text.indexOf(':');
  return { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

function whoIs(
  shown: Shown,
  { options: { users }, refreshTokens }: Pick<Surroundings, 'options' | 'refreshTokens'>,
): { readonly user: string | undefined; readonly used?: string } {
  if (shown === undefined) return { user: '' };
  if ('refreshToken' in shown) {
    const { refreshToken } = shown;
    return { user: refreshTokens.has(refreshToken) ? 'somebody' : undefined, used: refreshToken };
  }
  const { user, password } = shown;
  return { user: Object.hasOwn(users, user) && users[user] === password ? user : undefined };
}

function newRefreshToken(): string {
  return `refresh-${crypto.randomUUID()}`;
}

function signed(
  { user, granted, lifeSeconds }: { user: string; granted: readonly string[]; lifeSeconds: number },
  { key, chain }: Signer,
): string {
  const now = Math.floor(Date.now() / 1000);
  const access = granted.map((scope) => {
    const [type = '', ...rest] = scope.split(':');
    const actions = rest.pop() ?? '';
    return { type, name: rest.join(':'), actions: actions.split(',') };
  });
  const header = { typ: 'JWT', alg: 'ES256', x5c: chain };
  const claims = {
    ...{ iss: ISSUER, sub: user, aud: SERVICE, jti: crypto.randomUUID(), access },
    ...{ iat: now, nbf: now - 10, exp: now + lifeSeconds },
  };
  const text = [header, claims].map((part) => base64url(JSON.stringify(part))).join('.');
  const signature = sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' });
  return `${text}.${signature.toString('base64url')}`;
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url');
}
