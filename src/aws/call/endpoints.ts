import { FinchError } from '../../errors.ts';
import { nearby } from '../../http/nearby.ts';
import { excerpt, quote } from '../../text.ts';
import { type EcrPlace, ecrOfRegion } from '../ecr-host.ts';
import type { AwsIdentity, AwsService } from '../identity.ts';

/** Where a service is called. */
export interface AwsEndpoint {
  readonly url: URL;
  /** Its name in other regions and before: asked when there is no host of the first. */
  readonly fallback?: URL;
  /** The region that signatures name. */
  readonly region: string;
  /** Whether the user put it in place of the service's own. */
  readonly isOverridden: boolean;
}

/** What an identity says of endpoints. */
type EndpointIdentity = Pick<AwsIdentity, 'endpointOf' | 'variant'>;

/** What follows `ecr.REGION` in hosts that are reached over IPv4 and IPv6, by the suffix of the registry. */
const DUAL_STACK: Readonly<Record<string, string>> = {
  'amazonaws.com': 'api.aws',
  'on.aws': 'api.aws',
  'amazonaws.com.cn': 'api.amazonwebservices.com.cn',
  'on.amazonwebservices.com.cn': 'api.amazonwebservices.com.cn',
  'amazonaws.eu': 'api.amazonwebservices.eu',
  'c2s.ic.gov': 'api.aws.ic.gov',
  'sc2s.sgov.gov': 'api.aws.scloud',
  'cloud.adc-e.uk': 'api.cloud-aws.adc-e.uk',
  'csp.hci.ic.gov': 'api.aws.hci.ic.gov',
};

/** The only region in which ECR Public gives tokens and keeps repositories. */
const PUBLIC_REGION = 'us-east-1';

/**
 * The endpoint of Amazon ECR for a registry or a region: that of its partition, as the name of the registry
 * and the settings of the user want it; ECR Public is in us-east-1 alone.
 * https://docs.aws.amazon.com/general/latest/gr/ecr.html
 * @throws FinchError `USAGE` for what is no region, and for an endpoint of the user's that may not be used
 */
export async function ecrEndpoint(
  place: EcrPlace,
  identity: EndpointIdentity,
): Promise<AwsEndpoint> {
  const variant = await identity.variant();
  const isDualStack = place.isDualStack || variant.isDualStack;
  if (place.kind === 'public') {
    const own = isDualStack
      ? 'ecr-public.us-east-1.api.aws'
      : 'api.ecr-public.us-east-1.amazonaws.com';
    return chosen('ecr-public', identity, { region: PUBLIC_REGION, own });
  }
  const { region, suffix } = place;
  const ecr = place.isFips || variant.isFips ? 'ecr-fips' : 'ecr';
  const dualStack = DUAL_STACK[suffix];
  if (isDualStack && dualStack !== undefined) {
    return chosen('ecr', identity, { region, own: `${ecr}.${region}.${dualStack}` });
  }
  const own = `api.${ecr}.${region}.${suffix}`;
  const before = ecr === 'ecr-fips' ? { before: `${ecr}.${region}.${suffix}` } : {};
  return chosen('ecr', identity, { region, own, ...before });
}

/**
 * The endpoint of AWS STS in a region, by the same settings.
 * https://docs.aws.amazon.com/general/latest/gr/sts.html
 * @throws FinchError `USAGE` as {@link ecrEndpoint}
 */
export async function stsEndpoint(
  region: string,
  identity: EndpointIdentity,
): Promise<AwsEndpoint> {
  if (region === 'aws-global') {
    return chosen('sts', identity, { region: 'us-east-1', own: 'sts.amazonaws.com' });
  }
  const { suffix } = ecrOfRegion(region);
  const { isFips, isDualStack } = await identity.variant();
  const dualStack = isDualStack ? DUAL_STACK[suffix] : undefined;
  // In GovCloud the usual name is that with FIPS.
  const isUsual = region.startsWith('us-gov-') && dualStack === undefined;
  const sts = isFips && !isUsual ? 'sts-fips' : 'sts';
  return chosen('sts', identity, { region, own: `${sts}.${region}.${dualStack ?? suffix}` });
}

/** The endpoint that the user names for a service, or its own. */
async function chosen(
  service: AwsService,
  identity: EndpointIdentity,
  { region, own, before }: { region: string; own: string; before?: string },
): Promise<AwsEndpoint> {
  // It becomes a part of a host's name.
  if (!/^[a-z0-9][a-z0-9_-]{0,62}$/.test(region)) {
    throw new FinchError('USAGE', `${quote(region)} is no region of AWS`, {
      hint: 'name one as in eu-west-1',
    });
  }
  const override = await identity.endpointOf(service);
  if (override !== undefined) return { url: usable(override, service), region, isOverridden: true };
  const fallback = before === undefined ? {} : { fallback: new URL(`https://${before}/`) };
  return { url: new URL(`https://${own}/`), ...fallback, region, isOverridden: false };
}

function usable(given: URL, service: AwsService): URL {
  assertSafe(given, service);
  const { protocol, host, pathname } = given;
  return new URL(`${protocol}//${host}${pathname.replace(/\/*$/, '/')}`);
}

/**
 * Makes sure that nobody on the way can read along: requests are signed as the user, or carry a session, and answers hold
 * keys. Plain HTTP goes to machines nearby only.
 * @param purpose what the address is for, as messages name it
 * @throws FinchError `USAGE`
 */
export function assertSafe({ protocol, hostname, host }: URL, purpose: string): void {
  const near = nearby(hostname);
  const isNear = near === 'loopback' || near === 'private';
  if (protocol === 'https:' || (protocol === 'http:' && isNear)) return;
  throw new FinchError(
    'USAGE',
    `the endpoint ${excerpt(`${protocol}//${host}`)} for ${purpose} is not safe to use`,
    {
      hint: 'name one that begins with https:// in AWS_ENDPOINT_URL or endpoint_url; plain HTTP goes to this machine and private addresses only',
    },
  );
}
