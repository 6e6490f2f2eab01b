import type { AbortOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import { familiarReference, parseReference } from '../oci/reference.ts';
import type { ImageRecord } from '../store/image-store.ts';
import type { Engine } from './engine.ts';
import { type KnownImage, knownImages, newerSide } from './known-images.ts';

/** An image of the store that the engine is to work with. */
export interface WantedImage {
  /** Its names: the one that the user wrote, or where that was an id, all that stand for it. */
  readonly records: readonly ImageRecord[];
  /** Whether the engine also gets what it does not know: `run` gets that by itself, but not by an id. */
  readonly missing: boolean;
}

/** Options of {@link refreshImages}. */
export interface RefreshOptions extends AbortOptions {
  /** For what platforms it is to have them; none: its own. */
  readonly platforms: readonly string[];
  /** Takes a line for the user. */
  readonly report: (line: string) => void;
}

/** More images than one command works with. */
const MAX_IMAGES = 20;

/** Gigabytes over loopback, to a disk that may be slow. */
const PULL_MS = 30 * 60_000;

/**
 * Brings images of the store into the engine where that has another by the same name, which got it earlier: else it
 * would go on with the old one, as engines ask nobody for what they have. Never fails: then the engine does what it
 * can.
 * @throws the signal's reason
 */
export async function refreshImages(
  engine: Engine,
  images: readonly WantedImage[],
  { platforms, report, signal }: RefreshOptions,
): Promise<void> {
  const wanted = images.slice(0, MAX_IMAGES);
  const known = await engineKnows(
    engine,
    wanted.flatMap(({ records }) => records),
    { signal },
  );
  if (known === undefined) return;
  const pull = ['pull', '--quiet', ...platforms.flatMap((platform) => ['--platform', platform])];
  for (const { records, missing } of wanted) {
    const on = (side: string) =>
      records.find((record) => newerSide(record, known.get(record.name)) === side);
    const same = on('same');
    // What the engine has by this digest may be for other platforms.
    const record =
      same === undefined || (missing && platforms.length > 0) ? (same ?? on('here')) : undefined;
    if (record === undefined || !(missing || known.has(record.name))) continue;
    const options = { timeoutMs: PULL_MS, signal };
    const { status } = await engine.capture([...pull, record.name], options);
    if (status === 0) continue;
    const shown = familiarReference(parseReference(record.name));
    report(`the engine could not get ${shown} from the images of finch, and goes on without it`);
  }
}

/** What the engine has by the names of records; undefined when it does not say. */
async function engineKnows(
  engine: Engine,
  records: readonly ImageRecord[],
  { signal }: AbortOptions,
): Promise<ReadonlyMap<string, KnownImage> | undefined> {
  try {
    return await knownImages(engine, { names: records.map(({ name }) => name), signal });
  } catch (error) {
    if (!(error instanceof FinchError) || error.code === 'CANCELLED') throw error;
    return undefined;
  }
}
