import type { AbortOptions } from '../../content.ts';
import type { AwsIdentity, AwsKeys } from '../identity.ts';

/** Who calls, and by what settings. */
export interface AwsCaller
  extends Omit<AwsIdentity, 'needsCode' | 'fingerprint' | 'knownKey' | 'keys'> {
  /** As those of an identity; undefined for a call that needs none, and is not signed. */
  keys(options?: AbortOptions): Promise<AwsKeys | undefined>;
}
