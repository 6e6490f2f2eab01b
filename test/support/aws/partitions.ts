/** A part of AWS with accounts of its own. */
export interface Partition {
  /** As in ARNs: `aws-cn`. */
  readonly name: string;
  /** What the names of its hosts end in. */
  readonly suffix: string;
}

/** What the regions of a partition begin with; the last is for all others. */
const PARTITIONS: readonly (readonly [prefix: string, Partition])[] = [
  ['cn-', { name: 'aws-cn', suffix: 'amazonaws.com.cn' }],
  ['us-gov-', { name: 'aws-us-gov', suffix: 'amazonaws.com' }],
  ['us-isob-', { name: 'aws-iso-b', suffix: 'sc2s.sgov.gov' }],
  ['us-isof-', { name: 'aws-iso-f', suffix: 'csp.hci.ic.gov' }],
  ['us-iso-', { name: 'aws-iso', suffix: 'c2s.ic.gov' }],
  ['eu-isoe-', { name: 'aws-iso-e', suffix: 'cloud.adc-e.uk' }],
  ['eusc-', { name: 'aws-eusc', suffix: 'amazonaws.eu' }],
  ['', { name: 'aws', suffix: 'amazonaws.com' }],
];

/** The partition that a region is in. */
export function partitionOf(region: string): Partition {
  const found = PARTITIONS.find(([prefix]) => region.startsWith(prefix));
  return found?.[1] ?? { name: 'aws', suffix: 'amazonaws.com' };
}
