import type { Descriptor } from '../oci/descriptor.ts';

/**
 * What happens to one piece of content while an archive is loaded. A layer that is compressed on the
 * way goes by the digest and the size of its uncompressed form.
 */
export type LoadEvent =
  /** It belongs to an image. Comes before every other event of the same descriptor. */
  | { readonly kind: 'found'; readonly descriptor: Descriptor }
  /** It is being read from now on. */
  | { readonly kind: 'started'; readonly descriptor: Descriptor }
  /** The store has it already. */
  | { readonly kind: 'exists'; readonly descriptor: Descriptor }
  | {
      readonly kind: 'progress';
      readonly descriptor: Descriptor;
      /** Bytes that were read since the last event. */
      readonly bytes: number;
    }
  /** All of it is in the store. */
  | { readonly kind: 'done'; readonly descriptor: Descriptor };
