import { readFile } from 'node:fs/promises';
import { FinchError, hasCode } from '../../errors.ts';
import { hideSecret } from '../../http/redact.ts';
import { excerpt } from '../../text.ts';
import { isTrue } from '../files/settings.ts';
import type { AwsKeys } from '../identity.ts';
import { noIdentity, unusableIdentity } from '../identity-errors.ts';
import { parseAnsweredKeys } from './answered-keys.ts';
import type { KeyContext } from './key-context.ts';
import type { MetadataSource } from './key-source.ts';
import { askMetadata } from './metadata-request.ts';

/** It is a step away, on the same machine. */
const PATIENCE_MS = 300;

const TOKEN_PATH = '/latest/api/token';
const ROLE_PATH = '/latest/meta-data/iam/security-credentials/';

/** What the firmware of an EC2 instance says, as Linux shows it. */
const SIGNS = [
  { path: '/sys/class/dmi/id/sys_vendor', sign: /^Amazon EC2/ },
  { path: '/sys/class/dmi/id/board_asset_tag', sign: /^i-[0-9a-f]+/ },
  { path: '/sys/hypervisor/uuid', sign: /^ec2/i },
];

/**
 * The keys of the role of this EC2 instance, by version 2 of the metadata service. It is asked only where the machine
 * looks like an instance, or where a setting says so: elsewhere nothing would answer, and everybody would wait for that. The
 * SDK asks each time, and twice; so this is our own.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
 * @throws FinchError `AWS_IDENTITY`
 */
export async function metadataKeys(
  { profile, isNamed }: MetadataSource,
  { surroundings: { env, trace }, signal }: KeyContext,
): Promise<AwsKeys> {
  const place = env['AWS_EC2_METADATA_SERVICE_ENDPOINT'];
  if (isTrue(env['AWS_EC2_METADATA_DISABLED'])) {
    throw noIdentity(profile, 'skipped: AWS_EC2_METADATA_DISABLED is set');
  }
  if (!place && !isNamed && !(await isInstance())) {
    throw noIdentity(profile, 'skipped: this is no EC2 instance');
  }
  const isIpv6 = env['AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE']?.toLowerCase() === 'ipv6';
  const endpoint = place || (isIpv6 ? 'http://[fd00:ec2::254]' : 'http://169.254.169.254');
  if (!/^https?:$/.test(URL.parse(endpoint)?.protocol ?? '')) {
    throw unusableIdentity(
      'AWS_EC2_METADATA_SERVICE_ENDPOINT is no address',
      'set AWS_EC2_METADATA_SERVICE_ENDPOINT to http://HOST, or unset it',
    );
  }
  const ask = async (
    path: string,
    options: { readonly method?: 'PUT'; readonly headers: Readonly<Record<string, string>> },
  ): Promise<Uint8Array> => {
    const url = new URL(endpoint.replace(/\/+$/, '') + path);
    const settings = { ...options, trace, patienceMs: PATIENCE_MS, ...(signal && { signal }) };
    const { status, bytes } = await askMetadata(url, settings).catch((cause: unknown) => {
      if (hasCode(cause, 'CANCELLED')) throw cause;
      throw noIdentity(
        profile,
        `failed: ${cause instanceof FinchError ? cause.message : 'no answer'}`,
        cause,
      );
    });
    if (status === 200) return bytes;
    const why =
      status === 404 && path === ROLE_PATH ? 'this instance has no role' : `it answers ${status}`;
    throw noIdentity(profile, `failed: ${why}`);
  };
  const bytes = await ask(TOKEN_PATH, {
    method: 'PUT',
    headers: { 'x-aws-ec2-metadata-token-ttl-seconds': '300' },
  });
  const token = new TextDecoder().decode(bytes).trim();
  hideSecret(token);
  const headers = { 'x-aws-ec2-metadata-token': token };
  const [role = ''] = new TextDecoder().decode(await ask(ROLE_PATH, { headers })).split('\n');
  return parseAnsweredKeys(
    await ask(`${ROLE_PATH}${encodeURIComponent(role.trim())}`, { headers }),
    {
      token: 'Token',
      fault: (why) =>
        noIdentity(profile, `failed: it answers ${why} for the role ${excerpt(role)}`),
    },
  );
}

/** Whether this machine says that it is an EC2 instance. */
async function isInstance(): Promise<boolean> {
  const found = await Promise.all(
    SIGNS.map(async ({ path, sign }) => sign.test(await readFile(path, 'utf8').catch(() => ''))),
  );
  return found.includes(true);
}
