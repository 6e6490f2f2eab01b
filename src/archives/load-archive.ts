import { join } from 'node:path';
import type { AbortOptions } from '../content.ts';
import type { CopyEvent } from '../copy/events.ts';
import { recordLayers } from '../copy/layer-check.ts';
import { freeUnreached, underLease } from '../copy/under-lease.ts';
import { type ErrorCode, FinchError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { schema1Error } from '../oci/document.ts';
import type { Platform } from '../oci/platform.ts';
import { familiarReference, formatReference, type Reference } from '../oci/reference.ts';
import type { ImageStore } from '../store/image-store.ts';
import { CompressPool } from '../streams/compress-pool.ts';
import { Expansion } from '../streams/expansion.ts';
import { compressLayout } from './compress-layout.ts';
import { readDockerArchive } from './docker-archive.ts';
import { dockerNames, type GivenName, layoutName } from './import-name.ts';
import type { LayoutReader } from './layout-reader.ts';
import { hasBareImages, readOciLayout } from './oci-layout.ts';
import {
  type Archive,
  type ArchiveInput,
  notAnArchive,
  openArchive,
  READABLE_FORMATS,
} from './open-archive.ts';
import { storeDockerImage } from './store-docker-image.ts';
import type { StoreLayerOptions, WantedCompression } from './store-layer.ts';
import { storeFromLayout } from './store-layout.ts';

/** A name that an archive gave to an image, now in the store. */
export interface LoadedImage {
  readonly reference: Reference;
  /** The manifest or index. */
  readonly target: Descriptor;
  /** What the user should know about the name: that finch made it up, or that two images had it. */
  readonly note?: string | undefined;
}

/** Options of {@link loadArchive}. */
export interface LoadOptions extends AbortOptions {
  readonly store: ImageStore;
  /** What images run on here: the layers of its images are checked uncompressed too. */
  readonly platform: Platform;
  /** Names the day in names that finch makes up. */
  readonly now: Date;
  /** Default: what is compressed stays as it is, all else becomes gzip. */
  readonly compression?: WantedCompression | undefined;
  readonly onEvent?: ((event: CopyEvent) => void) | undefined;
}

/**
 * Puts the images of an archive into the store, with all their platforms, and names them, all of them
 * or none. Reads docker-archives, OCI archives and OCI layout folders, archives also compressed with
 * gzip or zstd. On failure the store is as it was.
 * @returns each name, in the order of the archive
 * @throws FinchError `ARCHIVE_INVALID`, `DOCUMENT_INVALID`, `CONTENT_MISSING`, `CONTENT_MISMATCH`, `IO`
 */
export async function loadArchive(
  input: ArchiveInput,
  options: LoadOptions,
): Promise<readonly LoadedImage[]> {
  const { store, signal } = options;
  try {
    await using archive = await openArchive(input, {
      spoolFolder: join(store.path, 'ingest'),
      signal,
    });
    const images = await underLease(store, () => loadAll(archive, options));
    await freeUnreached(store);
    return images;
  } catch (error) {
    throw withHint(error);
  }
}

const MAKE_AGAIN = 'make or download the archive again';
const HINTS: Partial<Readonly<Record<ErrorCode, string>>> = {
  ARCHIVE_INVALID: MAKE_AGAIN,
  CONTENT_MISMATCH: MAKE_AGAIN,
  CONTENT_MISSING: MAKE_AGAIN,
  DOCUMENT_INVALID: MAKE_AGAIN,
  IO: 'check with ls -l that the archive can be read, and try again',
};

/** Whatever is wrong in an archive, there is one thing to do about it where nobody knows a better one. */
function withHint(error: unknown): unknown {
  if (!(error instanceof FinchError) || error.hint !== undefined) return error;
  const hint = HINTS[error.code];
  if (hint === undefined) return error;
  return new FinchError(error.code, error.message, { hint, cause: error });
}

async function loadAll(archive: Archive, options: LoadOptions): Promise<readonly LoadedImage[]> {
  const { store, platform, signal } = options;
  const expansion = new Expansion();
  const images = await storeImages(archive, { ...options, expansion });
  if (images.length === 0) {
    throw new FinchError('ARCHIVE_INVALID', `${archive.what} holds no image`, {
      hint: READABLE_FORMATS,
    });
  }
  const targets = new Map(images.map(({ target }) => [target.digest, target]));
  for (const target of targets.values()) {
    await recordLayers(target, { store, platform, expansion, signal });
  }
  const set = images.map(({ reference, target }) => ({ name: formatReference(reference), target }));
  await store.changeNames({ set });
  return images;
}

/** The error about an archive of no kind that is read here. */
async function unreadable({ what, tree }: Archive, { signal }: AbortOptions): Promise<FinchError> {
  // https://github.com/moby/docker-image-spec/blob/v1.0.0/spec.md#combined-image-json--filesystem-changeset-format
  if ((await tree.get('repositories', { signal })) === undefined) return notAnArchive(what);
  return new FinchError('ARCHIVE_INVALID', `${what} is of a docker before 1.10`, {
    hint: 'load it into a docker that still reads it, and save it from there',
  });
}

async function storeImages(
  archive: Archive,
  options: LoadOptions & { readonly expansion: Expansion },
): Promise<LoadedImage[]> {
  const { store, compression, expansion, signal, now, onEvent = () => {} } = options;
  const layout = await readOciLayout(archive, { signal });
  const useLayout = layout !== undefined && !(await hasBareImages(layout, { signal }));
  const docker = useLayout ? undefined : await readDockerArchive(archive, { signal });
  using pool = new CompressPool();
  const to = { store, pool, compression, expansion, signal, onEvent };
  if (docker === undefined) {
    if (layout === undefined) throw await unreadable(archive, { signal });
    const { entries, schema1 } = layout;
    if (entries.length === 0 && schema1 !== undefined) {
      throw schema1Error(`${schema1.digest} in ${archive.what}`);
    }
    const loaded = new NamedImages();
    const stored = new Map<string, Descriptor>();
    for (const entry of entries) {
      // Thousands of names of one large index are copied once.
      const key = `${entry.digest} ${entry.size} ${entry.mediaType}`;
      const target =
        stored.get(key) ?? (await storeEntry({ reader: layout.reader, root: entry }, to));
      stored.set(key, target);
      loaded.add(layoutName(entry, now), target);
    }
    return loaded.list();
  }
  const loaded = new NamedImages();
  for (const image of docker) {
    const target = await storeDockerImage({ archive, image }, to);
    for (const name of dockerNames(image.tags, { target, now })) loaded.add(name, target);
  }
  return loaded.list();
}

/** Copies what is in a layout as it is, unless the user wants it to be compressed otherwise. */
async function storeEntry(
  from: { readonly reader: LayoutReader; readonly root: Descriptor },
  options: StoreLayerOptions,
): Promise<Descriptor> {
  if (options.compression !== undefined) return compressLayout(from, options);
  await storeFromLayout(from, options);
  return from.root;
}

/** What was loaded, in order. A name that comes again moves to the later image, as it would by two loads. */
class NamedImages {
  readonly #images = new Map<string, LoadedImage>();

  add({ reference, note }: GivenName, { mediaType, digest, size }: Descriptor): void {
    const name = formatReference(reference);
    const earlier = this.#images.get(name)?.target.digest;
    const moved =
      earlier !== undefined && earlier !== digest
        ? `the archive gives the name ${familiarReference(reference)} to two images: it is now ${digest}, and was ${earlier}`
        : undefined;
    const notes = [moved, note].filter((text) => text !== undefined);
    const target = { mediaType, digest, size };
    this.#images.delete(name);
    this.#images.set(name, {
      reference,
      target,
      ...(notes.length > 0 && { note: notes.join('; ') }),
    });
  }

  list(): LoadedImage[] {
    return [...this.#images.values()];
  }
}
