import type { AbortOptions } from '../../content.ts';
import type { AwsCaller } from '../call/caller.ts';
import type { AwsSurroundings } from '../surroundings.ts';

/** What whoever gets keys from somewhere needs to know. */
export interface KeyContext extends AbortOptions {
  readonly surroundings: AwsSurroundings;
  /** Whose keys they will be, for its settings. */
  readonly identity: Omit<AwsCaller, 'source' | 'keys'>;
}
