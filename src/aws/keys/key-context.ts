import type { AbortOptions } from '../../content.ts';
import type { AwsIdentity } from '../identity.ts';
import type { AwsSurroundings } from '../surroundings.ts';

/** What whoever gets keys from somewhere needs to know. */
export interface KeyContext extends AbortOptions {
  readonly surroundings: AwsSurroundings;
  /** Whose keys they will be, for its settings. */
  readonly identity: Pick<AwsIdentity, 'region' | 'endpointOf' | 'authorities'>;
}
