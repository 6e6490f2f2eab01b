/** A private registry of Amazon ECR: that of one account in one region. */
interface PrivateRegistry {
  readonly kind: 'private';
  /** In lower case, without a port: `111222333444.dkr.ecr.eu-west-1.amazonaws.com`. */
  readonly host: string;
  /** Twelve digits. */
  readonly account: string;
  readonly region: string;
  /** What stands behind the region, and says which partition it is in: `amazonaws.com.cn`, `on.aws`. */
  readonly suffix: string;
  /** Whether its name is that of the endpoints with cryptography by FIPS 140. */
  readonly isFips: boolean;
  /** Whether it is reached over IPv4 and IPv6. */
  readonly isDualStack: boolean;
}

/** Amazon ECR Public, which there is once. */
interface PublicRegistry {
  readonly kind: 'public';
  readonly host: string;
  readonly isDualStack: boolean;
}

/** A registry of Amazon ECR. */
export type EcrRegistry = PrivateRegistry | PublicRegistry;

/** What an API call is about: a registry, or a region, where the account is that of whoever calls. */
export type EcrPlace =
  | EcrRegistry
  | (Omit<PrivateRegistry, 'host' | 'account'> & {
      readonly host?: undefined;
      readonly account?: undefined;
    });

// https://docs.aws.amazon.com/general/latest/gr/ecr.html, with the partitions that are not on that page
// by the name of the official helper.
const PRIVATE =
  /^(?<account>\d{12})\.dkr[.-]ecr(?<fips>-fips)?\.(?<region>[a-z0-9][a-z0-9_-]{0,62})\.(?<suffix>amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu|on\.aws|on\.amazonwebservices\.com\.cn|sc2s\.sgov\.gov|c2s\.ic\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)$/;

/** The longest name of a host, and a port. */
const MAX_LENGTH = 260;

/** The hosts of Amazon ECR Public, and whether each is reached over IPv4 and IPv6. */
const PUBLIC: Readonly<Record<string, PublicRegistry>> = {
  'public.ecr.aws': { kind: 'public', host: 'public.ecr.aws', isDualStack: false },
  'ecr-public.aws.com': { kind: 'public', host: 'ecr-public.aws.com', isDualStack: true },
};

/**
 * The registry of Amazon ECR that a host is, in any case; with a port only if that is 443. The whole name
 * counts: `….amazonaws.com.example.com` is none. Asks nobody.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html
 */
export function parseEcrHost(host: string): EcrRegistry | undefined {
  // Some letters beyond ASCII have one of ASCII as their lower case.
  if (host.length > MAX_LENGTH || /[^!-~]/.test(host)) return undefined;
  const name = host.toLowerCase().replace(/:443$/, '');
  if (Object.hasOwn(PUBLIC, name)) return PUBLIC[name];
  const { account, fips, region, suffix } = PRIVATE.exec(name)?.groups ?? {};
  if (account === undefined || region === undefined || suffix === undefined) return undefined;
  const isDualStack = suffix.startsWith('on.');
  const isFips = fips !== undefined;
  return { kind: 'private', host: name, account, region, suffix, isFips, isDualStack };
}

/** What the names of regions in other partitions than that of amazonaws.com begin with. */
const PARTITIONS = [
  { prefix: 'cn-', suffix: 'amazonaws.com.cn' },
  { prefix: 'eusc-', suffix: 'amazonaws.eu' },
  { prefix: 'us-iso-', suffix: 'c2s.ic.gov' },
  { prefix: 'us-isob-', suffix: 'sc2s.sgov.gov' },
  { prefix: 'eu-isoe-', suffix: 'cloud.adc-e.uk' },
  { prefix: 'us-isof-', suffix: 'csp.hci.ic.gov' },
] as const;

/** Amazon ECR in a region, for whoever calls. */
export function ecrOfRegion(region: string): EcrPlace & { readonly kind: 'private' } {
  const partition = PARTITIONS.find(({ prefix }) => region.startsWith(prefix));
  const suffix = partition?.suffix ?? 'amazonaws.com';
  return { kind: 'private', region, suffix, isFips: false, isDualStack: false };
}
