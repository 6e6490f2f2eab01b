/** The services of the control plane, as they are named in signatures. */
export type Service = 'ecr' | 'ecr-public' | 'sts';

/** What a host of the control plane is for. */
export interface ApiHost {
  readonly service: Service;
  readonly region: string;
}

const REGION = '([a-z]{2,6}(?:-[a-z]+)+-\\d+)';
const SUFFIX =
  '(?:amazonaws\\.(?:com(?:\\.cn)?|eu)|sc2s\\.sgov\\.gov|c2s\\.ic\\.gov|cloud\\.adc-e\\.uk|csp\\.hci\\.ic\\.gov)';
const DUAL =
  '(?:api\\.(?:aws|amazonwebservices\\.(?:com\\.cn|eu)|aws\\.(?:ic\\.gov|scloud|hci\\.ic\\.gov)|cloud-aws\\.adc-e\\.uk))';

/** The hosts of each service, by the table in section 2.2 of the research; the group is the region. */
const API_HOSTS: readonly (readonly [service: Service, RegExp])[] = [
  ['ecr', new RegExp(`^(?:api\\.ecr(?:-fips)?|ecr-fips)\\.${REGION}\\.${SUFFIX}$`)],
  ['ecr', new RegExp(`^ecr(?:-fips)?\\.${REGION}\\.${DUAL}$`)],
  // There is one ECR Public, with control planes in two regions.
  ['ecr-public', /^(?:api\.)?ecr-public\.(us-(?:east-1|west-2))\.(?:amazonaws\.com|api\.aws)$/],
  ['sts', new RegExp(`^sts(?:-fips)?\\.${REGION}\\.(?:${SUFFIX}|${DUAL})$`)],
  ['sts', /^sts\.amazonaws\.com$/],
];

/** What a host of the control plane is for; `undefined` when AWS has no such host. */
export function apiHost(host: string): ApiHost | undefined {
  for (const [service, pattern] of API_HOSTS) {
    const found = pattern.exec(host);
    if (found !== null) return { service, region: found[1] ?? 'us-east-1' };
  }
  return undefined;
}
