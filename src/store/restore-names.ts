import { constants, Database } from 'bun:sqlite';
import { isDigest } from '../oci/digest.ts';
import { isDocumentType } from '../oci/media-types.ts';
import { isName } from './database-check.ts';
import type { ImageStore, NameChanges } from './image-store.ts';
import { layoutAt } from './layout.ts';
import { findNamelessImages } from './nameless-images.ts';

type Named = NonNullable<NameChanges['set']>[number];

/**
 * Names what is here in a store that was built again, when `index.json`, the best witness, named nothing:
 * as the damaged database at `path` did, as far as it can be read, and if that says nothing either,
 * `recovered@sha256:…`, so that nothing is collected before the user has seen it.
 */
export async function restoreNames(store: ImageStore, path: string): Promise<void> {
  const recovered = () =>
    findNamelessImages(layoutAt(store.path)).map((target) => ({
      name: `docker.io/library/recovered@${target.digest}`,
      target,
    }));
  for (const find of [() => readNames(path), recovered]) {
    if (store.names().length > 0) return;
    for (const named of find()) {
      if (await store.has(named.target)) await store.changeNames({ set: [named] });
    }
  }
}

/** The names in a damaged database, up to the first that cannot be read. */
function readNames(path: string): readonly Named[] {
  const found: Named[] = [];
  try {
    using database = new Database(path, constants.SQLITE_OPEN_READONLY);
    const statement = database.query<Record<string, unknown>, []>(
      'SELECT name, digest, media_type AS mediaType, size FROM names',
    );
    for (const { name, digest, mediaType, size } of statement.iterate()) {
      if (typeof name !== 'string' || !isName(name) || !isDigest(digest)) continue;
      if (typeof mediaType !== 'string' || !isDocumentType(mediaType)) continue;
      if (typeof size === 'number') found.push({ name, target: { mediaType, digest, size } });
    }
  } catch {
    // What came before it is what there is.
  }
  return found;
}
