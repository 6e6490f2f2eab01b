import { AWS_SESSION_CANARY } from './secrets.ts';
import type { AwsUser } from './state.ts';

/** The role of the instance. */
export const INSTANCE_ROLE = 'build-machine';

/** The life of tokens and keys: an hour. */
const LIFE_MS = 3600_000;

/** How an instance's metadata answer. */
export interface MetadataOptions {
  /** Whose keys it gives, of a short life: `addUser({ session: true })`. Default: the instance has no role. */
  readonly user?: AwsUser;
  /** When the keys end. Default: in an hour. */
  readonly expires?: Date;
  /**
   * `silent`: takes connections and never answers. `forbidden`: switched off for the instance. `far`: as in a
   * container, which the answer with a token does not reach. `old`: knows no tokens. Default: answers all.
   */
  readonly mode?: 'usual' | 'silent' | 'forbidden' | 'far' | 'old';
}

/** A server that gives keys to whoever is on the same machine. */
export interface KeyServer extends AsyncDisposable {
  /** What a process needs in its environment to ask it. */
  readonly environment: Readonly<Record<string, string>>;
  /** `PUT /latest/api/token` of each request, in order. */
  readonly requests: readonly string[];
}

/**
 * The metadata service of EC2, version 2.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
 */
export function startMetadata({
  user,
  expires = new Date(Date.now() + LIFE_MS),
  mode = 'usual',
}: MetadataOptions = {}): KeyServer {
  const token = crypto.randomUUID();
  const never = new Promise<Response>(() => {});

  const giveToken = (request: Request): Response | Promise<Response> => {
    if (mode === 'far') return never;
    if (mode === 'old') return status(404);
    const ttl = Number(request.headers.get('x-aws-ec2-metadata-token-ttl-seconds'));
    if (!Number.isInteger(ttl) || ttl < 1 || ttl > 21_600) return status(400);
    return new Response(token, {
      headers: { 'x-aws-ec2-metadata-token-ttl-seconds': String(ttl) },
    });
  };

  return serveKeys(
    async (request) => {
      const { pathname } = new URL(request.url);
      if (mode === 'silent') return never;
      if (mode === 'forbidden') return status(403);
      if (request.method === 'PUT') {
        return pathname === '/latest/api/token' ? giveToken(request) : status(405);
      }
      const shown = request.headers.get('x-aws-ec2-metadata-token');
      if (mode !== 'old' && shown !== token) return status(401);
      const roles = '/latest/meta-data/iam/security-credentials/';
      if (pathname === '/latest/meta-data/placement/region') return new Response('us-east-1');
      if (user === undefined || !pathname.startsWith(roles.slice(0, -1))) return status(404);
      if (`${pathname}/`.endsWith(roles) || pathname === roles) return new Response(INSTANCE_ROLE);
      if (pathname !== `${roles}${INSTANCE_ROLE}`) return status(404);
      const about = { Code: 'Success', LastUpdated: stamp(new Date()), Type: 'AWS-HMAC' };
      return Response.json({ ...about, ...keysOf(user, expires) });
    },
    (origin) => ({
      AWS_EC2_METADATA_SERVICE_ENDPOINT: origin,
      AWS_EC2_METADATA_DISABLED: 'false',
    }),
  );
}

/** How the credentials endpoint of a container answers. */
export interface ContainerOptions {
  readonly user: AwsUser;
  readonly expires?: Date;
  /** What requests must show. Default: one that {@link KeyServer.environment} tells. */
  readonly authorization?: string;
  /** A file to tell it in, as for a pod of EKS. Default: the environment. */
  readonly tokenFile?: string;
}

/**
 * The endpoint from which a container gets its keys.
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
 */
export async function startContainerKeys({
  user,
  expires = new Date(Date.now() + LIFE_MS),
  authorization = `${AWS_SESSION_CANARY}${crypto.randomUUID()}`,
  tokenFile,
}: ContainerOptions): Promise<KeyServer> {
  if (tokenFile !== undefined) await Bun.write(tokenFile, authorization);
  const shown: Record<string, string> =
    tokenFile === undefined
      ? { AWS_CONTAINER_AUTHORIZATION_TOKEN: authorization }
      : { AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: tokenFile };
  return serveKeys(
    async ({ headers, method, url }) => {
      if (method !== 'GET' || new URL(url).pathname !== '/v1/credentials') return status(404);
      if (headers.get('authorization') !== authorization) {
        const message = 'The authorization token is not valid';
        return Response.json({ code: 'AccessDenied', message }, { status: 403 });
      }
      return Response.json({ ...keysOf(user, expires), AccountId: user.account });
    },
    (origin) => ({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${origin}/v1/credentials`, ...shown }),
  );
}

/** Serves on a free port, and writes down what was asked. */
export function serveKeys(
  answer: (request: Request) => Promise<Response>,
  environment: (origin: string) => Readonly<Record<string, string>>,
): KeyServer {
  const requests: string[] = [];
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    fetch(request) {
      requests.push(`${request.method} ${new URL(request.url).pathname}`);
      return answer(request);
    },
  });
  return {
    environment: environment(`http://127.0.0.1:${server.port}`),
    requests,
    async [Symbol.asyncDispose]() {
      await server.stop(true);
    },
  };
}

function keysOf({ accessKeyId, secretAccessKey, sessionToken }: AwsUser, expires: Date) {
  return {
    ...{ AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey },
    ...{ Token: sessionToken, Expiration: stamp(expires) },
  };
}

/** As AWS writes times, in whole seconds. */
function stamp(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z');
}

function status(code: number): Response {
  return new Response(null, { status: code });
}
