import { type Digest, isDigest } from './digest.ts';
import { invalidDocument, isJsonObject, refuseOtherCase, stringMap } from './json.ts';
import { type Platform, readPlatform } from './platform.ts';

/**
 * What content is, how it is named and how long it is.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md#properties
 */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes. A whole number from 0 to 2^53-1. */
  readonly size: number;
  /** Only on the members of an index, and not on all of them. */
  readonly platform?: Platform;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly artifactType?: string;
}

const KEYS: ReadonlySet<string> = new Set([
  'mediaType',
  'digest',
  'size',
  'platform',
  'urls',
  'data',
]);

/**
 * Text that can stand in a header, as long as two names of RFC 6838. Not stricter: there are layers
 * whose type has parameters.
 * https://www.rfc-editor.org/rfc/rfc6838#section-4.2
 */
const MEDIA_TYPE = /^[\x20-\x7e]{1,255}$/;

/**
 * The descriptor in the JSON `value`.
 * @param where names the place in the message, for example `layer 2 of manifest sha256:…`
 * @throws FinchError `DOCUMENT_INVALID`
 */
export function parseDescriptor(value: unknown, where: string): Descriptor {
  const invalid = (what: string) => invalidDocument(`${where} ${what}`);
  if (!isJsonObject(value)) throw invalid('is not a descriptor');
  refuseOtherCase(value, KEYS, where);
  const { mediaType, digest, size, artifactType } = value;
  if (typeof mediaType !== 'string' || mediaType === '') throw invalid('has no mediaType');
  if (!MEDIA_TYPE.test(mediaType)) throw invalid('has no valid mediaType');
  if (!isDigest(digest)) throw invalid('has no valid digest');
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw invalid('has no valid size');
  }
  const platform = isJsonObject(value['platform']) ? readPlatform(value['platform']) : undefined;
  const annotations = stringMap(value['annotations']);
  return {
    mediaType,
    digest,
    size,
    ...(platform && { platform }),
    ...(annotations && { annotations }),
    ...(typeof artifactType === 'string' && artifactType !== '' && { artifactType }),
  };
}

/** A descriptor of bytes in memory. */
export function describe(mediaType: string, digest: Digest, bytes: Uint8Array): Descriptor {
  return { mediaType, digest, size: bytes.length };
}
