import { readFileSync } from 'node:fs';
import type { AbortOptions, Content } from '../content.ts';
import { FinchError, hasCode, systemCode } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { type Digest, digestOf, digestParts } from '../oci/digest.ts';
import { type Document, parseDocument } from '../oci/document.ts';
import { stringMap } from '../oci/json.ts';
import { readRange } from '../streams/file-stream.ts';
import type { StoreContext } from './context.ts';
import { referrersOf } from './graph.ts';
import { hasBlob } from './has.ts';
import { fileState } from './layout.ts';
import { findBlob, recordedType, statBlob } from './presence.ts';

/** As `ContentReader.open`. */
export async function openBlob(
  store: StoreContext,
  descriptor: Descriptor,
  options: AbortOptions = {},
): Promise<Content> {
  const { digest, size } = descriptor;
  const path = store.layout.blob(digest);
  const known = findBlob(store, digest);
  if (known?.size !== size && !(await hasBlob(store, descriptor, options))) {
    throw missing(store, descriptor);
  }
  return {
    size,
    file: { path, offset: 0 },
    stream: ({ start = 0, signal } = {}) => readRange(path, { start, end: size, signal }),
  };
}

/** As `ImageStore.referrers`. Those that cannot be read as what they were are left out. */
export function* readReferrers(
  store: StoreContext,
  subject: Digest,
  { after = '' }: { readonly after?: string } = {},
): Iterable<Descriptor> {
  for (const row of referrersOf(store.database, subject, { after })) {
    const referrer = describeReferrer(store, row);
    if (referrer !== undefined) yield referrer;
  }
}

/** The descriptor of a referrer as lists show it; undefined when it cannot be read. */
function describeReferrer(store: StoreContext, row: Descriptor): Descriptor | undefined {
  const document = readReferrer(store, row);
  if (document === undefined) return undefined;
  const fallback = document.kind === 'manifest' ? document.config.mediaType : undefined;
  const artifactType = document.artifactType ?? fallback;
  const annotations = stringMap(document.annotations) ?? {};
  return {
    ...row,
    ...(artifactType !== undefined && { artifactType }),
    ...(Object.keys(annotations).length > 0 && { annotations }),
  };
}

/** The document; undefined when it is not here any more, is damaged, or breaks what finch asks of documents today. */
function readReferrer(
  store: StoreContext,
  { digest, mediaType }: Descriptor,
): Document | undefined {
  if (statBlob(store, digest) === undefined) return undefined;
  try {
    const bytes = readFileSync(store.layout.blob(digest));
    if (digestOf(bytes, digestParts(digest).algorithm) !== digest) return undefined;
    return parseDocument(bytes, { mediaType, what: digest });
  } catch (error) {
    const isExpected = hasCode(error, 'DOCUMENT_INVALID') || systemCode(error) !== undefined;
    if (isExpected) return undefined;
    throw error;
  }
}

function missing(store: StoreContext, { digest, size }: Descriptor): FinchError {
  const found = fileState(store.layout.blob(digest))?.size;
  if (found === undefined && recordedType(store, digest) === undefined) {
    return new FinchError('CONTENT_MISSING', `${digest} is not in the store`, {
      hint: 'pull or load the image again',
    });
  }
  const what =
    found === undefined || found === size
      ? `${digest} is damaged in the store`
      : `${digest} has ${found} bytes in the store instead of ${size}`;
  return new FinchError('CONTENT_DAMAGED', what, {
    hint: 'pull or load the image again, or see what else is damaged with: finch store verify',
  });
}
