import { type BigIntStats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemCode } from '../errors.ts';
import { stageFile } from '../host/atomic-file.ts';
import { ioError } from '../host/io-error.ts';
import { mediaTypes } from '../oci/media-types.ts';
import type { StoreContext } from './context.ts';
import type { StoreDatabase } from './database.ts';

/** The annotations under which other tools look for a name; the second one is containerd's, always whole. */
export const REF_NAME = 'org.opencontainers.image.ref.name';
export const IMAGE_NAME = 'io.containerd.image.name';

/** What the database knows of `index.json`. */
export interface IndexState {
  /** How often names changed. */
  readonly generation: number;
  /** The generation that the file shows. */
  readonly exported: number;
  /** Which file finch wrote or read last, as {@link stampOf} names it. */
  readonly stamp: string | null;
}

/** The state that the database has written down. */
export function indexState(database: StoreDatabase): IndexState {
  const row = database.get<IndexState>('SELECT generation, exported, stamp FROM index_file');
  return row ?? { generation: 0, exported: -1, stamp: null };
}

/** Which version of a file this is: changes whenever the file is replaced or written to; null without a file. */
export function stampOf(path: string): string | null {
  try {
    const { mtimeNs, size, ino }: BigIntStats = statSync(path, { bigint: true });
    return `${mtimeNs}-${size}-${ino}`;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw ioError(error, 'read', path);
  }
}

/** What {@link exportIndex} did: nothing when there was nothing new, or when another program changed the file. */
export type ExportOutcome = 'written' | 'current' | 'foreign';

/**
 * Brings `index.json` up to date: an index of all names, sorted, for tools that read image layouts. Of
 * several processes that do it at once, the one with the newest names wins.
 * @throws FinchError `IO`
 */
export async function exportIndex(store: StoreContext): Promise<ExportOutcome> {
  const { database, layout, folders } = store;
  if (isCurrent(store)) return 'current';
  const { generation, text } = database.snapshot(() => ({
    ...indexState(database),
    text: indexText(database),
  }));
  await using staged = await stageFile(layout.index, new TextEncoder().encode(text));
  const outcome = database.transaction((): ExportOutcome => {
    const state = indexState(database);
    if (stampOf(layout.index) !== state.stamp) return 'foreign';
    if (state.exported >= generation) return 'current';
    const stamp = stampOf(staged.temporaryPath);
    staged.publish();
    database.run('UPDATE index_file SET exported = ?, stamp = ?', generation, stamp);
    return 'written';
  });
  if (outcome === 'written') await folders.sync(dirname(layout.index));
  return outcome;
}

function isCurrent({ database, layout }: StoreContext): boolean {
  const { generation, exported, stamp } = indexState(database);
  return exported >= generation && stampOf(layout.index) === stamp;
}

function indexText(database: StoreDatabase): string {
  const rows = database.all<Row>(
    'SELECT name, familiar, digest, media_type AS mediaType, size FROM names ORDER BY name',
  );
  const manifests = rows.map(({ name, familiar, mediaType, digest, size }) => ({
    ...{ mediaType, digest, size },
    annotations: { [REF_NAME]: familiar, [IMAGE_NAME]: name },
  }));
  return JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests });
}

interface Row {
  readonly name: string;
  readonly familiar: string;
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}
