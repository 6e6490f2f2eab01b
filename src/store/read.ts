import { readFileSync } from 'node:fs';
import type { AbortOptions, Content } from '../content.ts';
import { FinchError, systemCode } from '../errors.ts';
import { ioError } from '../host/io-error.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { parseDocument } from '../oci/document.ts';
import { stringMap } from '../oci/json.ts';
import { readRange } from '../streams/file-stream.ts';
import type { StoreContext } from './context.ts';
import { referrersOf } from './graph.ts';
import { hasBlob } from './has.ts';
import { fileSize } from './layout.ts';
import { findBlob } from './presence.ts';

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
    throw missing(digest, { wanted: size, found: known?.size ?? fileSize(path) });
  }
  return {
    size,
    file: { path, offset: 0 },
    stream: ({ start = 0, signal } = {}) => readRange(path, { start, end: size, signal }),
  };
}

/** As `ImageStore.referrers`. */
export function readReferrers(store: StoreContext, subject: Digest): readonly Descriptor[] {
  return referrersOf(store.database, subject).flatMap((row) => {
    const bytes = readIfThere(store.layout.blob(row.digest));
    if (bytes?.length !== row.size) return [];
    const document = parseDocument(bytes, { mediaType: row.mediaType, what: row.digest });
    const fallback = document.kind === 'manifest' ? document.config.mediaType : undefined;
    const artifactType = document.artifactType ?? fallback;
    const annotations = stringMap(document.annotations) ?? {};
    return {
      ...row,
      ...(artifactType !== undefined && { artifactType }),
      ...(Object.keys(annotations).length > 0 && { annotations }),
    };
  });
}

function readIfThere(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw ioError(error, 'read', path);
  }
}

function missing(
  digest: Digest,
  { wanted, found }: { wanted: number; found: number | undefined },
): FinchError {
  const what =
    found === undefined
      ? `${digest} is not in the store`
      : `${digest} has ${found} bytes in the store instead of ${wanted}`;
  return new FinchError('CONTENT_MISSING', what, { hint: 'pull or load the image again' });
}
