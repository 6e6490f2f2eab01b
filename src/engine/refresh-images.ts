import type { AbortOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import { familiarReference, parseReference } from '../oci/reference.ts';
import type { ImageRecord } from '../store/image-store.ts';
import type { Engine } from './engine.ts';
import { type KnownImage, knownImages, newerSide } from './known-images.ts';

/** Options of {@link refreshImages}. */
export interface RefreshOptions extends AbortOptions {
  /** Whether the engine also gets what it does not know: `run` gets that by itself. */
  readonly missing: boolean;
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
  records: readonly ImageRecord[],
  { missing, report, signal }: RefreshOptions,
): Promise<void> {
  const wanted = records.slice(0, MAX_IMAGES);
  const known = await engineKnows(engine, wanted, { signal });
  for (const record of wanted) {
    const there = known?.get(record.name);
    if (known === undefined || (there === undefined && !missing)) continue;
    if (newerSide(record, there) !== 'here') continue;
    const options = { timeoutMs: PULL_MS, signal };
    const { status } = await engine.capture(['pull', '--quiet', record.name], options);
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
