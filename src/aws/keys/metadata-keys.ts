import { readFile } from 'node:fs/promises';
import { FinchError, hasCode } from '../../errors.ts';
import { networkCode } from '../../http/failure.ts';
import { hideSecret } from '../../http/redact.ts';
import { isPassingStatus } from '../../http/retry.ts';
import { excerpt } from '../../text.ts';
import { isTrue } from '../files/settings.ts';
import type { AwsKeys } from '../identity.ts';
import { noIdentity, unusableIdentity } from '../identity-errors.ts';
import { parseAnsweredKeys } from './answered-keys.ts';
import type { KeyContext } from './key-context.ts';
import { askMetadata, type MetadataRequest } from './metadata-request.ts';
import type { MetadataSource } from './metadata-source.ts';

/** It is a step away, on the same machine. */
const PATIENCE_MS = 300;

/** For the second attempt: with the first less than a second, in which nobody wonders. */
const LAST_PATIENCE_MS = 600;

/** The answers of services that know no tokens. */
const NO_TOKENS: readonly number[] = [403, 404, 405];

const TOKEN_PATH = '/latest/api/token';
const ROLE_PATH = '/latest/meta-data/iam/security-credentials/';

/** What the firmware of an EC2 instance says, as Linux shows it. */
const SIGNS = [
  { path: '/sys/class/dmi/id/sys_vendor', sign: /^Amazon EC2/ },
  { path: '/sys/class/dmi/id/board_asset_tag', sign: /^i-[0-9a-f]+/ },
  { path: '/sys/hypervisor/uuid', sign: /^ec2/i },
];

/**
 * The keys of the role of this EC2 instance, by version 2 of the metadata service, and by version 1 where there is no other.
 * It is asked only where the machine looks like an instance, or where a setting says so: elsewhere nothing would answer, and
 * everybody would wait for that. The SDK asks each time, and twice; so this is our own.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
 * @throws FinchError `AWS_IDENTITY`
 */
export async function metadataKeys(
  { profile, isNamed, endpoint: place, isIpv6, isStrict }: MetadataSource,
  { surroundings: { env, trace }, signal }: KeyContext,
): Promise<AwsKeys> {
  if (isTrue(env['AWS_EC2_METADATA_DISABLED'])) {
    throw noIdentity(profile, 'skipped: AWS_EC2_METADATA_DISABLED is set', { env });
  }
  if (!place && !isNamed && !(await isInstance())) {
    throw noIdentity(profile, 'skipped: this is no EC2 instance', { env });
  }
  const endpoint = place || (isIpv6 ? 'http://[fd00:ec2::254]' : 'http://169.254.169.254');
  if (!/^https?:$/.test(URL.parse(endpoint)?.protocol ?? '')) {
    throw unusableIdentity(
      'the endpoint that is set for the EC2 metadata service is no address',
      'set AWS_EC2_METADATA_SERVICE_ENDPOINT, or ec2_metadata_service_endpoint of the profile, to http://HOST',
    );
  }
  const ask: Ask = async (path, options) => {
    const url = new URL(endpoint.replace(/\/+$/, '') + path);
    const settings = { patienceMs: PATIENCE_MS, ...options, trace, ...(signal && { signal }) };
    return await askMetadata(url, settings).catch((cause: unknown) => {
      if (!hasCode(cause, 'NETWORK', 'REGISTRY')) throw cause;
      throw noIdentity(profile, `failed: ${cause.message}`, { env, cause, isPassing: true });
    });
  };
  const refused = (status: number, why = `it answers ${status}`) => {
    const isPassing = isPassingStatus(status);
    return noIdentity(profile, `failed: ${why}`, { env, isPassing });
  };

  const given = await askForToken(ask).catch((error: unknown) => {
    // In a container the answer with the token may have a step too many to go, and the others not.
    if (isStrict || !isSilence(error)) throw error;
    return undefined;
  });
  const isVersion1 = given === undefined || (!isStrict && NO_TOKENS.includes(given.status));
  if (!isVersion1 && given.status !== 200) throw refused(given.status);
  const token = isVersion1 ? undefined : new TextDecoder().decode(given.bytes).trim();
  if (token !== undefined) hideSecret(token);
  const headers = token === undefined ? {} : { 'x-aws-ec2-metadata-token': token };
  const roles = await ask(ROLE_PATH, { headers });
  if (roles.status === 404) throw refused(404, 'this instance has no role');
  if (given === undefined && roles.status === 401) {
    throw refused(401, 'no token comes, and without one it answers 401');
  }
  if (roles.status !== 200) throw refused(roles.status);
  const [role = ''] = new TextDecoder().decode(roles.bytes).split('\n');
  const { status, bytes } = await ask(`${ROLE_PATH}${encodeURIComponent(role.trim())}`, {
    headers,
  });
  if (status !== 200) throw refused(status);
  return parseAnsweredKeys(bytes, {
    token: 'Token',
    fault: (why) => refused(status, `it answers ${why} for the role ${excerpt(role)}`),
  });
}

type Ask = (
  path: string,
  options: Pick<MetadataRequest, 'method' | 'headers'> & { readonly patienceMs?: number },
) => ReturnType<typeof askMetadata>;

/** Asks for what the other requests have to show; again when there is no answer, which a busy machine may take its time for. */
async function askForToken(ask: Ask): ReturnType<Ask> {
  const request = {
    method: 'PUT',
    headers: { 'x-aws-ec2-metadata-token-ttl-seconds': '300' },
  } as const;
  try {
    return await ask(TOKEN_PATH, request);
  } catch (error) {
    if (!isSilence(error)) throw error;
    return await ask(TOKEN_PATH, { ...request, patienceMs: LAST_PATIENCE_MS });
  }
}

/** Whether an error says that nothing came in time. */
function isSilence(error: unknown): boolean {
  return error instanceof FinchError && networkCode(error.cause) === 'ETIMEDOUT';
}

/** Whether this machine says that it is an EC2 instance. */
async function isInstance(): Promise<boolean> {
  const found = await Promise.all(
    SIGNS.map(async ({ path, sign }) => sign.test(await readFile(path, 'utf8').catch(() => ''))),
  );
  return found.includes(true);
}
