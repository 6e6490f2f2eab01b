import type { AbortOptions } from '../content.ts';
import { readDocument } from '../copy/read-document.ts';
import { FinchError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { parseDocument } from '../oci/document.ts';
import { parseJsonObject } from '../oci/json.ts';
import { isDocumentType, isSchema1Type, mediaTypes } from '../oci/media-types.ts';
import type { FileTree } from './file-tree.ts';
import { type LayoutReader, layoutReader } from './layout-reader.ts';
import { readBounded } from './read-bounded.ts';

/** An OCI image layout that is open for reading. */
export interface OciLayout {
  readonly reader: LayoutReader;
  /** The manifests and indexes that `index.json` lists, with their annotations; other content is left out. */
  readonly entries: readonly Descriptor[];
  /** Whether who wrote it says that its images are as they should be. */
  readonly isWhole: boolean;
  /** A manifest of a form that finch does not read, which `index.json` lists. */
  readonly schema1: Descriptor | undefined;
}

/** The version of the form that finch reads and writes. */
export const LAYOUT_VERSION = '1.0.0';

/** Annotations of an `index.json` whose images are what they should be, also where their layers are not compressed. */
export const WRITTEN_WHOLE = { 'com.runfinch.archive': 'whole' } as const;

/**
 * The image layout in `tree`; undefined when it has no `oci-layout` file.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
 * @throws FinchError `ARCHIVE_INVALID`, `DOCUMENT_INVALID`
 */
export async function readOciLayout(
  { tree, what }: { readonly tree: FileTree; readonly what: string },
  options: AbortOptions = {},
): Promise<OciLayout | undefined> {
  const mark = await tree.get('oci-layout', options);
  if (mark === undefined) return undefined;
  const markName = `oci-layout in ${what}`;
  const markBytes = await readBounded(mark, { ...options, what: markName });
  const version = parseJsonObject(markBytes, markName)['imageLayoutVersion'];
  if (version !== LAYOUT_VERSION) {
    throw new FinchError('ARCHIVE_INVALID', `${markName} does not have version ${LAYOUT_VERSION}`);
  }
  const indexName = `index.json in ${what}`;
  const index = await tree.get('index.json', options);
  if (index === undefined) throw new FinchError('ARCHIVE_INVALID', `${what} has no index.json`);
  const bytes = await readBounded(index, { ...options, what: indexName });
  const document = parseDocument(bytes, { what: indexName });
  const entries = document.kind === 'index' ? document.manifests : [];
  return {
    reader: layoutReader(tree, what),
    entries: entries.filter(({ mediaType }) => isDocumentType(mediaType)),
    isWhole: Object.entries(WRITTEN_WHOLE).every(([key, is]) => document.annotations[key] === is),
    schema1: entries.find(({ mediaType }) => isSchema1Type(mediaType)),
  };
}

/**
 * Whether the layout holds no image at all, or one that has no layers or uncompressed ones. Docker's engine writes these
 * next to a `manifest.json`, which is then the better source (moby#47065), and does not say that they are whole.
 */
export async function hasBareImages(
  { reader, entries, isWhole }: OciLayout,
  options: AbortOptions = {},
): Promise<boolean> {
  if (entries.length === 0 || isWhole) return entries.length === 0;
  const seen = new Set<Digest>();
  async function isBare(descriptor: Descriptor): Promise<boolean> {
    if (!isDocumentType(descriptor.mediaType) || seen.has(descriptor.digest)) return false;
    seen.add(descriptor.digest);
    if (!(await reader.has(descriptor, options))) return false;
    const { document } = await readDocument(reader, descriptor, options);
    if (document.kind === 'manifest') {
      const { layers } = document;
      return layers.length === 0 || layers.some(({ mediaType }) => isPlainLayer(mediaType));
    }
    for (const member of document.manifests) if (await isBare(member)) return true;
    return false;
  }
  for (const entry of entries) if (await isBare(entry)) return true;
  return false;
}

function isPlainLayer(mediaType: string): boolean {
  return mediaType === mediaTypes.layer || mediaType.endsWith('.rootfs.diff.tar');
}
