import { FinchError, hasCode } from '../../errors.ts';
import { isLoopback } from '../../http/loopback.ts';
import { hideSecret } from '../../http/redact.ts';
import { isPassingStatus } from '../../http/retry.ts';
import { expandPath, readSmallFile } from '../files/shared-config.ts';
import type { AwsKeys } from '../identity.ts';
import { passing, unusableIdentity } from '../identity-errors.ts';
import type { Environment } from '../surroundings.ts';
import { parseAnsweredKeys } from './answered-keys.ts';
import type { KeyContext } from './key-context.ts';
import { askMetadata } from './metadata-request.ts';

const PATIENCE_MS = 2000;

const RELATIVE = 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI';
const FULL = 'AWS_CONTAINER_CREDENTIALS_FULL_URI';
const TOKEN = 'AWS_CONTAINER_AUTHORIZATION_TOKEN';
const TOKEN_FILE = 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE';

/** Those that are asked over plain HTTP: of ECS and, the others, of EKS. */
const SERVICES = ['169.254.170.2', '169.254.170.23', '[fd00:ec2::23]'];

const HINT = `check ${FULL} and the role of this task or pod`;

const TRY_AGAIN = `try again, or ${HINT}`;

/**
 * The keys that a container service (ECS, EKS) gives. Our own, as it is one request: the SDK would repeat it, and send it
 * through a proxy.
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
 * @throws FinchError `AWS_IDENTITY`
 */
export async function containerKeys({
  surroundings: { env, trace },
  identity,
  signal,
}: KeyContext): Promise<AwsKeys> {
  const url = serviceUrl(env);
  const token = await tokenOf(env);
  const { status, bytes } = await askMetadata(url, {
    headers: { accept: 'application/json', ...(token !== undefined && { authorization: token }) },
    authorities: await identity.authorities(),
    ...{ patienceMs: PATIENCE_MS, trace },
    ...(signal && { signal }),
  }).catch((cause: unknown) => {
    if (hasCode(cause, 'CANCELLED')) throw cause;
    const why = cause instanceof FinchError ? cause.message : 'no answer';
    throw passing(
      unusableIdentity(`the container gives no AWS credentials: ${why}`, TRY_AGAIN, cause),
    );
  });
  if (status !== 200) {
    const what = `the container gives no AWS credentials: ${url.host} answers ${status}`;
    if (isPassingStatus(status)) throw passing(unusableIdentity(what, TRY_AGAIN));
    throw unusableIdentity(what, HINT);
  }
  return parseAnsweredKeys(bytes, {
    token: 'Token',
    fault: (why) =>
      unusableIdentity(`the container gives no AWS credentials: ${url.host} answers ${why}`, HINT),
  });
}

function serviceUrl(env: Environment): URL {
  const relative = env[RELATIVE];
  if (relative) return new URL(`http://169.254.170.2/${relative.replace(/^\/+/, '')}`);
  const url = URL.parse(env[FULL] ?? '');
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw unusableIdentity(`${FULL} is no address`, `set ${FULL} to http://HOST/PATH, or unset it`);
  }
  const mayBePlain = isLoopback(url.hostname) || SERVICES.includes(url.hostname);
  if (url.protocol === 'https:' || mayBePlain) return url;
  throw unusableIdentity(
    `${FULL} names ${url.host}, which is no service of a container`,
    `use https, or unset ${FULL}`,
  );
}

async function tokenOf(env: Environment): Promise<string | undefined> {
  const file = env[TOKEN_FILE];
  const bytes = file ? await readSmallFile(expandPath(file, env)) : undefined;
  if (file && bytes === undefined) {
    throw unusableIdentity(`${TOKEN_FILE} names ${file}, which is not there`, HINT);
  }
  const token = bytes ? new TextDecoder().decode(bytes) : env[TOKEN];
  if (!token) return undefined;
  hideSecret(token);
  if (!/[\r\n]/.test(token)) return token;
  throw unusableIdentity('the token for the container service has more than one line', HINT);
}
