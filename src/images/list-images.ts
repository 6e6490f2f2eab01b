import type { AbortOptions } from '../content.ts';
import { findReadableImages, type PlatformImage } from '../copy/platforms.ts';
import type { Digest } from '../oci/digest.ts';
import { formatPlatformAll, matchesPlatform, type Platform } from '../oci/platform.ts';
import { familiarRepository, type ParsedReference, parseReference } from '../oci/reference.ts';
import type { ImageRecord, ImageStore } from '../store/image-store.ts';
import type { ImageRow } from './image-row.ts';

/** What of a row is the same for every name of an image. */
type PlatformPart = Pick<ImageRow, 'platform' | 'size' | 'blobSize'>;

/**
 * The rows of `records`, in their order: one for each platform that is here, in the order of the index.
 * An image of no platform, as an artifact is, has one row with an empty platform, and so has one of
 * which nothing can be read.
 * @param platform what this machine runs; images for others count as not unpacked, with size 0
 */
export async function listImages(
  store: ImageStore,
  records: readonly ImageRecord[],
  { platform, signal }: AbortOptions & { platform: Platform },
): Promise<readonly ImageRow[]> {
  const known = new Map<string, readonly PlatformPart[]>();
  const rows: ImageRow[] = [];
  for (const record of records) {
    const { digest } = record.target;
    const parts = known.get(digest) ?? (await readParts(store, record, { platform, signal }));
    known.set(digest, parts);
    for (const part of parts) rows.push(new NameRow(record, part));
  }
  return rows;
}

/**
 * The records that a list shows: a name by digest is left out where the image also has a tag of that repository, and
 * one that is none (`<none>@DIGEST`) where it has any.
 */
export function listed(records: readonly ImageRecord[]): readonly ImageRecord[] {
  const byDigest = records.filter(({ name }) => name.includes('@'));
  if (byDigest.length === 0) return records;
  const doubled = new Set(
    records.flatMap(({ name, target: { digest } }) =>
      name.includes('@') ? [] : [`${nameOf(name)}@${digest}`, `<none>@${digest}`],
    ),
  );
  return records.filter(({ name }) => !doubled.has(name));
}

/** The name without its tag. */
function nameOf(name: string): string {
  return name.replace(/:[^:/]*$/, '');
}

async function readParts(
  store: ImageStore,
  { target }: ImageRecord,
  { platform, signal }: AbortOptions & { platform: Platform },
): Promise<readonly PlatformPart[]> {
  const images = await findReadableImages(store, target, { signal });
  if (images.length === 0) return [{ platform: '', size: 0, blobSize: target.size }];
  const byPlatform = new Map<string, PlatformPart>();
  for (const image of images) {
    const name = formatPlatformAll(image.platform);
    const isOurs = matchesPlatform(platform, image.platform);
    const part = {
      platform: name,
      size: isOurs ? size(image, store) : 0,
      blobSize: blobSize(image),
    };
    if (!byPlatform.has(name)) byPlatform.set(name, part);
  }
  return [...byPlatform.values()];
}

function size({ manifest }: PlatformImage, store: ImageStore): number {
  return manifest.layers.reduce((sum, { digest }) => sum + (store.layer(digest)?.diffSize ?? 0), 0);
}

function blobSize({ descriptor, manifest }: PlatformImage): number {
  const below = [manifest.config, ...manifest.layers];
  return below.reduce((sum, blob) => sum + blob.size, descriptor.size);
}

/** A row; its name is taken apart when that is looked at, for a list may have thousands. */
class NameRow implements ImageRow {
  readonly name: string;
  readonly digest: Digest;
  readonly createdAt: Date;
  readonly platform: string;
  readonly size: number;
  readonly blobSize: number;
  #parsed: ParsedReference | undefined;

  constructor({ name, target, createdAt }: ImageRecord, part: PlatformPart) {
    this.name = name;
    this.digest = target.digest;
    this.createdAt = createdAt;
    this.platform = part.platform;
    this.size = part.size;
    this.blobSize = part.blobSize;
  }

  get repository(): string {
    return familiarRepository(this.#reference);
  }

  get tag(): string {
    return this.#reference.tag ?? '<none>';
  }

  get #reference(): ParsedReference {
    this.#parsed ??= parseReference(this.name);
    return this.#parsed;
  }
}
