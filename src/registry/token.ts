import type { AbortOptions } from '../content.ts';
import type { Credential } from '../credentials/credential.ts';
import { discardBody } from '../http/body.ts';
import type { HttpRequest, Transport } from '../http/transport.ts';
import type { Endpoint } from './endpoint.ts';
import { TOKEN_USERS } from './profiles.ts';
import { type RealmTrust, realmUrl } from './realm.ts';
import { readToken, type Token } from './token-answer.ts';

/** What a token is asked for. */
export interface TokenRequest {
  /** The address of the token server, as the registry named it. */
  readonly realm: string;
  readonly service?: string | undefined;
  readonly scopes: readonly string[];
}

/** Who asks for a token, of which registry. */
export interface TokenContext extends AbortOptions {
  readonly registry: string;
  readonly endpoint: Endpoint;
  /** Anything but a token that the registry itself takes. */
  readonly credential?: Credential | undefined;
  readonly trust?: RealmTrust | undefined;
  /** Whether a refresh token is asked for too, as at a login. */
  readonly offline?: boolean;
  /** Whether the credential is a refresh token that this server has just given, and must take as one, by POST. */
  readonly isRefresh?: boolean;
  /** Whether the server has taken the credential before. */
  readonly isAccepted?: boolean;
  readonly now?: (() => number) | undefined;
}

/** Who finch is to a token server. */
const CLIENT_ID = 'finch';

/** How token servers say that they do not know a request of this kind. */
const UNKNOWN_POST = new Set([404, 405]);
const UNKNOWN_GET = new Set([400, 404, 405, 501]);

/** An answer to a user name and a password. Any other is one to the kind of request. */
const ANSWERED = new Set([200, 401, 403]);

/**
 * Asks a token server for a token. A password is shown in a GET, and where the server does not know that
 * in a POST; a refresh token the other way round.
 * https://github.com/distribution/distribution/blob/v3.0.0/docs/content/spec/auth/token.md
 * https://github.com/distribution/distribution/blob/v3.0.0/docs/content/spec/auth/oauth.md
 * @throws FinchError of `realmUrl` before anything is sent, of `readToken`, `NETWORK`
 */
export async function fetchToken(
  transport: Transport,
  request: TokenRequest,
  context: TokenContext,
): Promise<Token> {
  const { registry, endpoint, credential, trust, signal, now = Date.now } = context;
  const { isRefresh = false, isAccepted = false } = context;
  const withLogin = credential !== undefined;
  const isIdentityToken = credential?.kind === 'identity-token' && !isRefresh;
  const options = { registry, endpoint, withLogin, isIdentityToken, trust };
  const realm = await realmUrl(request.realm, options);
  const send = (wanted: Pick<HttpRequest, 'method' | 'url' | 'headers' | 'body'>) =>
    transport({ ...wanted, idempotent: true, insecure: endpoint.skipsVerification(realm), signal });
  const get = () => send(getRequest(realm, request, context));
  const post = (login: Credential) => send(postRequest(realm, request, { ...context, login }));
  const response =
    isRefresh && credential !== undefined
      ? await post(credential)
      : await firstAnswer(credential, { get, post });
  const asked = withLogin ? request.scopes : [];
  return readToken(response, { registry, host: realm.host, asked, isAccepted, signal, now });
}

/** The `Authorization` header of a user name and a password; a token has a user name that says so. */
export function basicHeader(credential: Credential): { readonly authorization: string } {
  const { username, secret } =
    credential.kind === 'password' ? credential : { username: '<token>', secret: credential.token };
  return { authorization: `Basic ${Buffer.from(`${username}:${secret}`).toString('base64')}` };
}

/** After a 401 the password is not shown a second time: accounts are locked after a few wrong ones. */
async function firstAnswer(
  credential: Credential | undefined,
  { get, post }: { get: () => Promise<Response>; post: (login: Credential) => Promise<Response> },
): Promise<Response> {
  if (credential?.kind === 'identity-token') {
    const response = await post(credential);
    if (!UNKNOWN_POST.has(response.status)) return response;
    await discardBody(response);
    return get();
  }
  const response = await get();
  if (credential === undefined || !UNKNOWN_GET.has(response.status)) return response;
  const second = await post(credential);
  const isAnswered = ANSWERED.has(second.status);
  await discardBody(isAnswered ? response : second);
  return isAnswered ? second : response;
}

function getRequest(
  realm: URL,
  { service, scopes }: TokenRequest,
  { credential, offline = false }: TokenContext,
): Pick<HttpRequest, 'method' | 'url' | 'headers'> {
  // The realm may come with a query of its own, which stays as it is.
  const url = new URL(realm);
  const query = url.searchParams;
  if (service !== undefined) query.append('service', service);
  for (const scope of scopes) query.append('scope', scope);
  if (credential?.kind === 'password') query.append('account', credential.username);
  if (credential !== undefined) query.append('client_id', CLIENT_ID);
  if (offline) query.append('offline_token', 'true');
  const headers = { accept: 'application/json', ...(credential && basicHeader(credential)) };
  return { method: 'GET', url, headers };
}

function postRequest(
  url: URL,
  { service, scopes }: TokenRequest,
  { login, offline = false }: TokenContext & { login: Credential },
): Pick<HttpRequest, 'method' | 'url' | 'headers' | 'body'> {
  const form = new URLSearchParams(grantOf(login));
  if (service !== undefined) form.append('service', service);
  form.append('client_id', CLIENT_ID);
  if (scopes.length > 0) form.append('scope', scopes.join(' '));
  if (offline) form.append('access_type', 'offline');
  const bytes = new TextEncoder().encode(form.toString());
  const headers = {
    accept: 'application/json',
    'content-type': 'application/x-www-form-urlencoded',
  };
  return { method: 'POST', url, headers, body: () => ({ bytes }) };
}

function grantOf(login: Credential): Record<string, string> {
  if (login.kind !== 'password') {
    return { grant_type: 'refresh_token', refresh_token: login.token };
  }
  const { username, secret } = login;
  return TOKEN_USERS.has(username)
    ? { grant_type: 'refresh_token', refresh_token: secret }
    : { grant_type: 'password', username, password: secret };
}
