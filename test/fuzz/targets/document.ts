import { parseDescriptor } from '../../../src/oci/descriptor.ts';
import { isDigest } from '../../../src/oci/digest.ts';
import {
  attestationSubject,
  childrenOf,
  parseDocument,
  trimIndex,
} from '../../../src/oci/document.ts';
import { parseImageConfig } from '../../../src/oci/image-config.ts';
import { parseJsonObject } from '../../../src/oci/json.ts';
import { isDocumentType, mediaTypes } from '../../../src/oci/media-types.ts';
import { formatPlatformAll } from '../../../src/oci/platform.ts';
import { mutateJson } from '../mutate-json.ts';
import { attempt, promise, promiseSame } from '../promises.ts';
import { documentSeeds, documentWords } from '../seeds/documents.ts';
import { pureTarget, textOf } from '../target.ts';

const TYPES = [
  undefined,
  mediaTypes.index,
  mediaTypes.manifest,
  mediaTypes.dockerList,
  'text/html',
];

/** Manifests, indexes, descriptors and image configurations. */
export const document = pureTarget({
  name: 'document',
  share: 80,
  words: documentWords,
  mutators: [mutateJson, mutateJson],
  seeds: documentSeeds(),
  run(input) {
    const json = parseJsonObject(input, 'the document');
    const read = [
      ...TYPES.map((mediaType) => attempt(() => checkDocument(input, mediaType))),
      attempt(() => formatPlatformAll(parseImageConfig(input, 'the config').platform)),
    ];
    // What is none of these may be a descriptor.
    if (read.every((one) => one === undefined)) parseDescriptor(json, 'the descriptor');
  },
});

/** Whether the document is an index. */
function checkDocument(input: Uint8Array, mediaType: string | undefined): boolean {
  const options = { what: 'the document', ...(mediaType !== undefined && { mediaType }) };
  const parsed = parseDocument(input, options);
  promise(isDocumentType(parsed.mediaType), 'the type is of no document');
  for (const child of childrenOf(parsed)) {
    promise(isDigest(child.digest), 'a child has no digest');
    promise(Number.isSafeInteger(child.size) && child.size >= 0, 'a child has no size');
    attestationSubject(child);
  }
  if (parsed.kind !== 'index') return false;
  const what = 'the index';
  promise(trimIndex(input, { keep: () => true, what }) === input, 'an index is trimmed of nothing');
  const trimmed = attempt(() => trimIndex(input, { keep: () => false, what }));
  if (trimmed === undefined || parsed.manifests.length === 0) return true;
  promiseSame(childrenOf(parseDocument(trimmed, options)), [], 'a trimmed index has members');
  return true;
}

/** JSON objects as bytes, beside what the engine's own parser makes of them. */
export const json = pureTarget({
  name: 'json',
  share: 60,
  words: [...documentWords, '\\u0000', '\\ud800', '\\"', '1e400', '-', '\u00a0'],
  mutators: [mutateJson],
  seeds: documentSeeds(),
  run(input) {
    const parsed = parseJsonObject(input, 'the document');
    const engine: unknown = JSON.parse(textOf(input));
    promiseSame(
      attempt(() => write(parsed)),
      attempt(() => write(engine)),
      'it reads something else',
    );
  },
});

/** JSON text; undefined for what is nested too deep to write. */
function write(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
