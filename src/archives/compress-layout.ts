import { memoryContent } from '../content.ts';
import { isTarLayer } from '../copy/layer-check.ts';
import { readDocument, readImageConfig } from '../copy/read-document.ts';
import { type Descriptor, describe } from '../oci/descriptor.ts';
import { digestOf } from '../oci/digest.ts';
import { attestationSubject, type Index, type Manifest } from '../oci/document.ts';
import { invalidDocument, isJsonObject, type JsonObject, parseJsonObject } from '../oci/json.ts';
import {
  isDocumentType,
  isImageConfigType,
  isNonDistributable,
  mediaTypes,
} from '../oci/media-types.ts';
import { nextLevel } from '../oci/nesting.ts';
import type { LayoutReader } from './layout-reader.ts';
import type { StoreLayerOptions } from './store-layer.ts';
import { storeLayers } from './store-layers.ts';
import { storeFromLayout } from './store-layout.ts';

/**
 * Stores an image of a layout with its layers compressed as `options` say, below new manifests and indexes
 * in OCI's form, which keep whatever else they said. What is no image with tar layers is copied as it is,
 * and so is an image that has that form already.
 * @returns the manifest or index that is in place of `root`
 * @throws FinchError as `storeFromLayout`; `CONTENT_MISMATCH` when a layer is not the one that its config names
 */
export function compressLayout(
  { reader, root }: { readonly reader: LayoutReader; readonly root: Descriptor },
  options: StoreLayerOptions,
): Promise<Descriptor> {
  return compressBelow(root, { ...options, reader, level: 0 });
}

interface Options extends StoreLayerOptions {
  readonly reader: LayoutReader;
  readonly level: number;
}

async function compressBelow(root: Descriptor, options: Options): Promise<Descriptor> {
  const { reader, store, signal } = options;
  const isThere = isDocumentType(root.mediaType) && (await reader.has(root, { signal }));
  const changed = isThere ? await changedDocument(root, options) : undefined;
  if (changed === undefined) {
    await storeFromLayout({ reader, root }, options);
    return root;
  }
  const bytes = new TextEncoder().encode(JSON.stringify(changed));
  const made = describe(changed.mediaType, digestOf(bytes), bytes);
  await store.write(made, memoryContent(bytes), { signal });
  return made;
}

interface ChangedDocument extends JsonObject {
  readonly mediaType: string;
}

/** Undefined when nothing in it becomes another. */
async function changedDocument(
  root: Descriptor,
  options: Options,
): Promise<ChangedDocument | undefined> {
  const { document, bytes } = await readDocument(options.reader, root, options);
  const json = parseJsonObject(bytes, `document ${root.digest}`);
  if (document.kind === 'manifest') return changedManifest(document, { ...options, json });
  return changedIndex(document, { ...options, json, level: nextLevel(options.level, root) });
}

/** With the whole JSON of the document: what finch does not know of it stays. */
interface DocumentOptions extends Options {
  readonly json: JsonObject;
}

async function changedIndex(
  { manifests }: Index,
  options: DocumentOptions,
): Promise<ChangedDocument | undefined> {
  const { json, reader, signal } = options;
  const became = new Map<string, Descriptor>();
  for (const member of manifests) {
    if (!(await reader.has(member, { signal }))) continue;
    const made = await compressBelow(member, options);
    if (made.digest !== member.digest) became.set(member.digest, made);
  }
  if (became.size === 0) return undefined;
  const members = manifests.map((member, i) => {
    const raw = replaced(rawItem(json['manifests'], i), became.get(member.digest));
    const subject = became.get(attestationSubject(member) ?? '');
    if (subject === undefined) return raw;
    const annotations = { ...member.annotations, 'vnd.docker.reference.digest': subject.digest };
    return { ...raw, annotations };
  });
  return { ...json, mediaType: mediaTypes.index, manifests: members };
}

async function changedManifest(
  { config, layers }: Manifest,
  options: DocumentOptions,
): Promise<ChangedDocument | undefined> {
  const { json, reader, store, signal } = options;
  const isImage = isImageConfigType(config.mediaType);
  if (!isImage || !layers.every((layer) => isTarLayer(layer.mediaType))) return undefined;
  const { diffIds } = await readImageConfig(reader, config, { signal });
  if (diffIds.length !== layers.length) {
    throw invalidDocument(
      `config ${config.digest} names ${diffIds.length} layers, and its manifest ${layers.length}`,
    );
  }
  const archived = layers.flatMap((layer, i) => {
    const diffId = diffIds[i];
    if (diffId === undefined || isNonDistributable(layer.mediaType)) return [];
    const open = () => reader.open(layer, { signal });
    return [{ open, diffId, what: `layer ${layer.digest}`, layer }];
  });
  const stored = await storeLayers(archived, options);
  if (stored.every(({ digest }, i) => digest === archived[i]?.layer.digest)) return undefined;
  const became = new Map(archived.map(({ layer }, i) => [layer, stored[i]]));
  await store.write(config, await reader.open(config, { signal }), { signal });
  return {
    ...json,
    mediaType: mediaTypes.manifest,
    config: { ...rawItem([json['config']], 0), mediaType: mediaTypes.config },
    layers: layers.map((layer, i) => replaced(rawItem(json['layers'], i), became.get(layer))),
  };
}

function rawItem(list: unknown, i: number): JsonObject {
  const item: unknown = Array.isArray(list) ? list[i] : undefined;
  return isJsonObject(item) ? item : {};
}

/** The descriptor with another target; bytes of the old one that it may hold go. */
function replaced(raw: JsonObject, made: Descriptor | undefined): JsonObject {
  if (made === undefined) return raw;
  const { data: _, ...rest } = raw;
  const { mediaType, digest, size } = made;
  return { ...rest, mediaType, digest, size };
}
