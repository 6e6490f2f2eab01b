import type { WriteOptions } from '../../content.ts';
import type { RetryOptions } from '../../http/retry.ts';
import type { Courier } from '../courier/courier.ts';
import type { RegistryMemory } from '../memory/registry-memory.ts';

/** Options of an upload. */
export interface UploadOptions extends WriteOptions {
  readonly retry: RetryOptions;
  readonly memory: RegistryMemory;
  /** Carries chunks to registries that are brittle. Default: nobody does. */
  readonly courier?: Courier | undefined;
  /** Repositories that have given nothing to this one, to which others are added. */
  readonly unwilling: Set<string>;
  /** Whether the next process is to go on where this one is interrupted. Else the upload is cancelled then. */
  readonly resume: boolean;
}
