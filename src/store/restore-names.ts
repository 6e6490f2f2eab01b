import { constants, Database } from 'bun:sqlite';
import type { AbortOptions } from '../content.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { isDigest } from '../oci/digest.ts';
import { isDocumentType } from '../oci/media-types.ts';
import { isName } from './database-check.ts';
import type { ImageStore, NameChanges } from './image-store.ts';
import { fileKind, layoutAt } from './layout.ts';
import { findNamelessImages } from './nameless-images.ts';

type Named = NonNullable<NameChanges['set']>[number];

/** What {@link restoreNames} goes by. */
export interface RestoreOptions extends AbortOptions {
  /** A damaged database in whose place there is a new one. Default: there is none. */
  readonly damaged?: string | undefined;
}

/**
 * Names what is here and not known, so that nothing is collected before the user has seen it. The names in
 * `index.json` were taken over when the store was opened. To these come those of the damaged database, as
 * far as it can be read, and `recovered@sha256:…` for every image that the store has no record of and that
 * no name reaches.
 * @returns the names that were given
 */
export async function restoreNames(
  store: ImageStore,
  { damaged, signal }: RestoreOptions = {},
): Promise<readonly string[]> {
  await using _lease = await store.lease();
  const named = damaged === undefined ? [] : readNames(damaged);
  const lost = named.filter(({ name }) => store.name(name) === undefined);
  const unknown = findNamelessImages(layoutAt(store.path)).filter(
    ({ digest }) => store.stat(digest) === undefined,
  );
  const here = new Set<Descriptor>();
  // All of it before any name is given: what a signature signs is known only when it was read.
  for (const target of [...lost.map((each) => each.target), ...unknown]) {
    if (await store.has(target, { signal })) here.add(target);
  }
  const set = lost.filter(({ target }) => here.has(target));
  await store.changeNames({ set });
  const given = set.map(({ name }) => name);
  for (const target of unknown) {
    if (!here.has(target) || store.reaches('', target.digest)) continue;
    const name = `docker.io/library/recovered@${target.digest}`;
    await store.changeNames({ set: [{ name, target }] });
    given.push(name);
  }
  return given;
}

/** The names in a damaged database, up to the first that cannot be read. */
function readNames(path: string): readonly Named[] {
  const found: Named[] = [];
  // To open a pipe is to wait for who writes to it.
  if (fileKind(path) !== 'file') return found;
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
