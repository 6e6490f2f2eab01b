import { constants, Database } from 'bun:sqlite';
import { dirname } from 'node:path';
import { stageFile, syncFolder } from '../host/atomic-file.ts';
import { currentOwner } from '../host/owner.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { type Digest, isDigest } from '../oci/digest.ts';
import { isDocumentType } from '../oci/media-types.ts';
import { isName } from './database-check.ts';
import { readEntries } from './foreign-names.ts';
import type { ImageStore } from './image-store.ts';
import { indexDocument, indexEntry } from './index-file.ts';
import { fileKind, type Layout, layoutAt } from './layout.ts';
import { findNamelessImages } from './nameless-images.ts';

interface Named {
  readonly name: string;
  readonly target: Descriptor;
}

/** What {@link showNames} goes by. */
export interface ShowOptions {
  /** A damaged database. Default: there is none. */
  readonly damaged?: string;
  /** Whether the store has a record of a blob. Default: of none. */
  readonly isKnown?: (digest: Digest) => boolean;
}

/**
 * Adds to `index.json` the images that are here and that it does not show, so that nothing is collected
 * before the user has seen it: under their names in the damaged database, as far as it can be read, and as
 * `recovered@sha256:…` those that are not known and that nothing names. The store takes them over from
 * there before it does anything else, also when this process is killed at whatever moment.
 * @returns what it shows now and did not show before
 * @throws FinchError `IO`
 */
export async function showNames(
  layout: Layout,
  { damaged, isKnown = () => false }: ShowOptions = {},
): Promise<readonly string[]> {
  const { named, others = [] } = readEntries(layout.index);
  const shown = new Set(named.map(({ name }) => name));
  const lost = damaged === undefined ? [] : readNames(damaged);
  const added = lost.filter(({ name }) => !shown.has(name));
  const targets = new Set([...named, ...added].map(({ target }) => target.digest));
  for (const { target } of findNamelessImages(layout)) {
    if (targets.has(target.digest) || isKnown(target.digest)) continue;
    added.push({ name: recoveredName(target), target });
  }
  if (added.length === 0) return [];
  const entries = [...named, ...added].map(({ name, target }) => indexEntry(name, target));
  const bytes = indexDocument([...entries, ...others.map(({ entry }) => entry)]);
  await using staged = await stageFile(layout.index, bytes, { owner: currentOwner() });
  staged.publish();
  await syncFolder(dirname(staged.temporaryPath));
  return added.map(({ name }) => name);
}

/**
 * The names that {@link showNames} gave to signatures, and what else has a subject, and that they do not
 * need: now that the store knows all, they are kept with what they are about.
 */
export function spareNames(
  store: Pick<ImageStore, 'path' | 'name' | 'reaches'>,
): readonly string[] {
  return findNamelessImages(layoutAt(store.path))
    .filter(({ subject }) => subject !== undefined && store.reaches('', subject))
    .map(({ target }) => recoveredName(target))
    .filter((name) => store.name(name) !== undefined);
}

function recoveredName({ digest }: Descriptor): string {
  return `docker.io/library/recovered@${digest}`;
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
