import { readFileSync } from 'node:fs';
import type { AbortOptions, Content } from '../content.ts';
import { FinchError, systemCode } from '../errors.ts';
import { ioError } from '../host/io-error.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { type Digest, digestOf, digestParts } from '../oci/digest.ts';
import { parseDocument } from '../oci/document.ts';
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

/** As `ImageStore.referrers`. */
export function* readReferrers(
  store: StoreContext,
  subject: Digest,
  { after = '' }: { readonly after?: string } = {},
): Iterable<Descriptor> {
  for (const row of referrersOf(store.database, subject, { after })) {
    if (statBlob(store, row.digest) === undefined) continue;
    const bytes = readIfThere(store.layout.blob(row.digest));
    const { algorithm } = digestParts(row.digest);
    if (bytes === undefined || digestOf(bytes, algorithm) !== row.digest) continue;
    const document = parseDocument(bytes, { mediaType: row.mediaType, what: row.digest });
    const fallback = document.kind === 'manifest' ? document.config.mediaType : undefined;
    const artifactType = document.artifactType ?? fallback;
    const annotations = stringMap(document.annotations) ?? {};
    yield {
      ...row,
      ...(artifactType !== undefined && { artifactType }),
      ...(Object.keys(annotations).length > 0 && { annotations }),
    };
  }
}

function readIfThere(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw ioError(error, 'read', path);
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
