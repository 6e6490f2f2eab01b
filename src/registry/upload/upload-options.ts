import type { WriteOptions } from '../../content.ts';
import type { RetryOptions } from '../../http/retry.ts';
import type { RegistryMemory } from '../memory/registry-memory.ts';

/** Options of an upload. */
export interface UploadOptions extends WriteOptions {
  readonly retry: RetryOptions;
  readonly memory: RegistryMemory;
  /** Repositories that have given nothing to this one, to which others are added. */
  readonly unwilling: Set<string>;
  /** Whether the next process is to go on where this one is interrupted. Else the upload is cancelled then. */
  readonly resume: boolean;
}
