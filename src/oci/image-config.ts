import { type Digest, isDigest } from './digest.ts';
import { invalidDocument, isJsonObject, parseJsonObject, stringMap } from './json.ts';
import { type Platform, readPlatform } from './platform.ts';

/**
 * What finch reads of an image's configuration. Docker's format has the same members.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md
 */
export interface ImageConfig {
  readonly platform: Platform;
  /** Digests of the uncompressed layers, base first. */
  readonly diffIds: readonly Digest[];
  readonly labels: Readonly<Record<string, string>>;
}

/** The most layers of one image. Runtimes take a few hundred. */
const MAX_LAYERS = 10_000;

/**
 * The image configuration that `bytes` hold.
 * @param what names it in messages
 * @throws FinchError `DOCUMENT_INVALID`
 */
export function parseImageConfig(bytes: Uint8Array, what: string): ImageConfig {
  const json = parseJsonObject(bytes, what);
  const platform = readPlatform(json);
  if (platform === undefined) {
    throw invalidDocument(`${what} names no os and architecture`);
  }
  const rootfs = isJsonObject(json['rootfs']) ? json['rootfs'] : {};
  const ids: unknown = rootfs['diff_ids'] ?? [];
  if (!Array.isArray(ids) || !ids.every(isDigest)) {
    throw invalidDocument(`${what} has diff_ids that are not digests`);
  }
  if (ids.length > MAX_LAYERS) {
    throw invalidDocument(`${what} has more than ${MAX_LAYERS} diff_ids`);
  }
  const inner = isJsonObject(json['config']) ? json['config'] : {};
  return { platform, diffIds: ids, labels: stringMap(inner['Labels']) ?? {} };
}
