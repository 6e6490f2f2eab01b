import { type KeyServer, serveKeys } from './metadata.ts';
import { AWS_SESSION_CANARY } from './secrets.ts';
import type { AwsUser } from './state.ts';

/** A role that people may take on after they have signed in. */
export interface SsoRole {
  readonly account: string;
  readonly role: string;
  /** Whose keys it gives, of a short life: `addUser({ session: true })`. */
  readonly user: AwsUser;
}

/** What the sign-in portal knows. */
export interface SsoOptions {
  readonly roles: readonly SsoRole[];
  /** Whether sessions that have ended can be renewed. Default: true. */
  readonly canRenew?: boolean;
}

/** IAM Identity Center: the portal that gives keys for a session, and the service that renews sessions. */
export interface SsoServer extends KeyServer {
  /** A session that is good; `sso/cache/*.json` holds such a one as `accessToken`. */
  readonly accessToken: string;
  /** What renews a session. */
  readonly refreshToken: string;
  /** Ends every session so far. Those that were renewed after it are good. */
  endSessions(): void;
}

/**
 * Starts both services on one port.
 * https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_GetRoleCredentials.html
 * https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/API_CreateToken.html
 */
export function startSso({ roles, canRenew = true }: SsoOptions): SsoServer {
  const newToken = () => `${AWS_SESSION_CANARY}${crypto.randomUUID()}`;
  const accessToken = newToken();
  const refreshToken = newToken();
  const sessions = new Set([accessToken]);

  const giveKeys = ({ url, headers }: Request): Response => {
    const { searchParams } = new URL(url);
    if (!sessions.has(headers.get('x-amz-sso_bearer_token') ?? '')) {
      return refusal(401, 'UnauthorizedException', {
        message: 'Session token not found or invalid',
      });
    }
    const found = roles.find(
      ({ account, role }) =>
        account === searchParams.get('account_id') && role === searchParams.get('role_name'),
    );
    if (found === undefined) {
      return refusal(403, 'ForbiddenException', { message: 'No access' });
    }
    const { accessKeyId, secretAccessKey, sessionToken } = found.user;
    const expiration = Date.now() + 3600_000;
    return Response.json({
      roleCredentials: { accessKeyId, secretAccessKey, sessionToken, expiration },
    });
  };

  const renew = async (request: Request): Promise<Response> => {
    const asked = (await request.json()) as Readonly<Record<string, unknown>>;
    const isRight =
      asked['grantType'] === 'refresh_token' &&
      typeof asked['clientId'] === 'string' &&
      typeof asked['clientSecret'] === 'string' &&
      asked['refreshToken'] === refreshToken;
    if (!canRenew || !isRight) {
      const body = { error: 'invalid_grant', error_description: 'Invalid refresh token provided' };
      return refusal(400, 'InvalidGrantException', body);
    }
    const renewed = newToken();
    sessions.add(renewed);
    return Response.json({
      ...{ accessToken: renewed, tokenType: 'Bearer', expiresIn: 3600, refreshToken },
    });
  };

  const server = serveKeys(
    async (request) => {
      const { pathname } = new URL(request.url);
      if (request.method === 'GET' && pathname === '/federation/credentials') {
        return giveKeys(request);
      }
      if (request.method === 'POST' && pathname === '/token') return renew(request);
      return new Response(null, { status: 404 });
    },
    (origin) => ({ AWS_ENDPOINT_URL_SSO: origin, AWS_ENDPOINT_URL_SSO_OIDC: origin }),
  );
  return { ...server, accessToken, refreshToken, endSessions: () => sessions.clear() };
}

function refusal(status: number, type: string, body: Record<string, string>): Response {
  return Response.json(body, { status, headers: { 'x-amzn-errortype': type } });
}
