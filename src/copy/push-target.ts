import type { AbortOptions, ContentReader } from '../content.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import type { Repository } from '../registry/repository.ts';
import type { CopyEvent } from './events.ts';

/** One image, and where it goes. */
export interface PushTarget {
  readonly root: Descriptor;
  /** Reads the root and all below it. Default: the common source. */
  readonly from?: ContentReader | undefined;
  /** Of several targets of one repository the first one's is used. */
  readonly to: Repository;
  /** The tags that it gets. None: it is stored under its digest only. */
  readonly tags: readonly string[];
}

/** How a push of one target ended. */
export interface PushOutcome {
  readonly target: PushTarget;
  readonly digest: Digest;
  /** Whether every digest was checked at the registry afterwards, and is there. */
  readonly verified: boolean;
  /** What ended it. Undefined when all of it is there, and has its tags. */
  readonly error?: unknown;
}

/** How {@link pushImages} pushes. */
export interface PushOptions extends AbortOptions {
  /** Whether the members of an index that is there are asked for, and those sent that the registry lacks. Default: no. */
  readonly verifyMembers?: boolean;
  /** Whether every digest is checked at the registry afterwards, and what is missing sent once more. Default: no. */
  readonly verify?: boolean;
  /** Uploads to one registry at once. Default: as many as turn out to be good. */
  readonly maxUploads?: number | undefined;
  /** Bytes per second that all uploads together may send. Default: as many as go. */
  readonly limitRate?: number | undefined;
  readonly onEvent?: ((event: CopyEvent, to: Repository) => void) | undefined;
}
