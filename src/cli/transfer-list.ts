import type { CopyEvent } from '../copy/events.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { isImageConfigType, isIndexType, isManifestType } from '../oci/media-types.ts';

/** What is known of the copy of one piece of content. */
export interface Transfer {
  readonly descriptor: Descriptor;
  readonly state: 'waiting' | 'active' | 'exists' | 'done';
  /** Bytes that went through, from 0 to the size. */
  readonly bytes: number;
}

/** The word for content in front of its digest. */
export function contentKind({ mediaType }: Descriptor): 'index' | 'manifest' | 'config' | 'layer' {
  if (isIndexType(mediaType)) return 'index';
  if (isManifestType(mediaType)) return 'manifest';
  return isImageConfigType(mediaType) ? 'config' : 'layer';
}

/** The state of a copy, as its events tell it. */
export class TransferList {
  readonly #transfers = new Map<Digest, Transfer>();
  #sent = 0;

  /** Whether nothing has been found yet. */
  get isEmpty(): boolean {
    return this.#transfers.size === 0;
  }

  /** Bytes that went through in all, without those that were sent in vain. */
  get sentBytes(): number {
    return this.#sent;
  }

  /** Every transfer, in the order in which they were found. */
  all(): readonly Transfer[] {
    return [...this.#transfers.values()];
  }

  /** Takes in one event. */
  update(event: CopyEvent): void {
    const { descriptor, kind } = event;
    const known = this.#transfers.get(descriptor.digest);
    const before: Transfer = known ?? { descriptor, state: 'waiting', bytes: 0 };
    this.#transfers.set(descriptor.digest, this.#next(before, event));
    if (kind === 'progress') this.#sent = Math.max(0, this.#sent + event.bytes);
  }

  #next(before: Transfer, event: CopyEvent): Transfer {
    const { size } = event.descriptor;
    switch (event.kind) {
      case 'found':
        return before;
      case 'started':
        return { ...before, state: 'active' };
      case 'exists':
        return { ...before, state: 'exists', bytes: size };
      case 'progress': {
        const bytes = Math.min(size, Math.max(0, before.bytes + event.bytes));
        return { ...before, bytes, state: before.state === 'waiting' ? 'active' : before.state };
      }
      case 'done':
        return { ...before, state: 'done', bytes: size };
    }
  }
}
