import type { Digest } from '../oci/digest.ts';

/** One line of `finch images`: one platform of one name. */
export interface ImageRow {
  /** The whole reference. */
  readonly name: string;
  /** As users write it: `alpine`, `ghcr.io/me/app`. */
  readonly repository: string;
  /** `<none>` for a name without a tag. */
  readonly tag: string;
  /** Of the manifest or index that the name names; the same on every line of one image. */
  readonly digest: Digest;
  /** When the name was given. */
  readonly createdAt: Date;
  /** `linux/arm64`, `windows(10.0.17763.5)/amd64`; empty for content that runs nowhere. */
  readonly platform: string;
  /** Bytes of the uncompressed layers; 0 for platforms that are not this machine's. */
  readonly size: number;
  /** Bytes of manifest, configuration and stored layers. */
  readonly blobSize: number;
}
