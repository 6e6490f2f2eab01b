import type { WriteStep } from '../content.ts';
import type { Descriptor } from '../oci/descriptor.ts';

/** What happens to one piece of content while a graph is copied. */
export type CopyEvent =
  /** It belongs to the graph. Comes before every other event of the same descriptor. */
  | { readonly kind: 'found'; readonly descriptor: Descriptor }
  /** It is being copied from now on. */
  | { readonly kind: 'started'; readonly descriptor: Descriptor }
  /** The target has it already, so nothing is copied. */
  | { readonly kind: 'exists'; readonly descriptor: Descriptor }
  | {
      readonly kind: 'progress';
      readonly descriptor: Descriptor;
      /** Bytes that went through since the last event; negative when some are sent again. */
      readonly bytes: number;
    }
  /** What the target does beside taking bytes. */
  | (WriteStep & { readonly descriptor: Descriptor })
  /** All of it is at the target. */
  | { readonly kind: 'done'; readonly descriptor: Descriptor };
