import { bridgePorts } from '../bridge/bridge-ports.ts';
import { ensureBridge } from '../bridge/ensure-bridge.ts';
import type { AbortOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import { findImage, findImages, isImageId } from '../images/find-image.ts';
import type { ImageRow } from '../images/image-row.ts';
import { familiarReference, formatReference, tryParseReference } from '../oci/reference.ts';
import type { ImageRecord, ImageStore } from '../store/image-store.ts';
import { machineFolder } from '../vm/machine-folder.ts';
import type { Engine } from './engine.ts';
import { isNameless, listEngineImages } from './engine-images.ts';
import { fetchImage } from './fetch-image.ts';
import { knownImages, newerSide } from './known-images.ts';

/** The two sides that images are on: the store, and the engine of a machine that runs. */
export interface Sides {
  readonly store: ImageStore;
  readonly engine: Engine;
  /** finch's own folder. */
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Takes a line for the user. */
  readonly note: (line: string) => void;
}

/**
 * The images of the engine, a row for each platform that is there. Nothing fails because of it: when they are not known,
 * the user is told, and they are undefined.
 * @throws the signal's reason
 */
export async function rowsThere(
  sides: Sides,
  { signal }: AbortOptions,
): Promise<readonly ImageRow[] | undefined> {
  return await asked(sides, async () => {
    const { engine, home } = sides;
    const ports = await bridgePorts(machineFolder(home));
    const except = ports.map((port) => `${engine.machine.hostAddress}:${port}/`);
    const rows = await listEngineImages(engine, { signal });
    return rows.filter(({ name }) => !except.some((registry) => name.startsWith(registry)));
  });
}

/**
 * Those of `rows` that count: of a name that both sides hold with different images, the newer one does.
 * @throws the signal's reason
 */
export async function countingRows(
  rows: readonly ImageRow[],
  sides: Sides,
  { signal }: AbortOptions,
): Promise<readonly ImageRow[]> {
  const { store, engine } = sides;
  const here = (name: string) => (isNameless(name) ? undefined : store.name(name));
  const names = rows
    .filter(({ name, digest }) => ![undefined, digest].includes(here(name)?.target.digest))
    .map(({ name }) => name);
  const known =
    names.length === 0
      ? undefined
      : await asked(sides, () => knownImages(engine, { names, signal }));
  return rows.filter(({ name }) => {
    const record = here(name);
    return record === undefined || newerSide(record, known?.get(name)) === 'there';
  });
}

/** The rows that `text` means: those of a name, or of all images whose ids begin so. */
export function matchingRows(rows: readonly ImageRow[], text: string): readonly ImageRow[] {
  const reference = tryParseReference(text);
  const name = reference && formatReference(reference);
  const named = rows.filter((row) => row.name === name);
  if (named.length > 0 || !isImageId(text)) return named;
  const prefix = text.replace(/^sha256:/, '');
  return rows.filter(({ digest }) => digest.startsWith(`sha256:${prefix}`));
}

/**
 * The image that `text` names. When only the engine has it, or a newer one of that name, it is brought into the store
 * first.
 * @throws FinchError `IMAGE_NOT_FOUND`, `IMAGE_AMBIGUOUS`, `REFERENCE_INVALID`, `VM`, `CONTENT_MISMATCH`, `IO`
 */
export async function findOrFetch(
  text: string,
  sides: Sides,
  { signal }: AbortOptions,
): Promise<ImageRecord> {
  const { store } = sides;
  const here = findImages(store, text);
  const reference = tryParseReference(text);
  const name = reference && formatReference(reference);
  // An id says which content it means: that is the same on both sides.
  if (here.length > 0 && here[0]?.name !== name) return findImage(store, text);
  const rows = matchingRows((await rowsThere(sides, { signal })) ?? [], text);
  const [first, ...others] = await countingRows(rows, sides, { signal });
  if (first === undefined) return findImage(store, text);
  const other = others.find(({ digest }) => digest !== first.digest);
  if (other !== undefined) {
    throw new FinchError('IMAGE_AMBIGUOUS', `multiple IDs found with provided prefix: ${text}`, {
      hint: `give more digits; it could be ${first.digest} or ${other.digest}`,
    });
  }
  return await fetch([first, ...others], sides, { signal });
}

async function fetch(
  rows: readonly [ImageRow, ...ImageRow[]],
  { store, engine, home, env, note }: Sides,
  { signal }: AbortOptions,
): Promise<ImageRecord> {
  const { name, digest } = rows.find((row) => !isNameless(row.name)) ?? rows[0];
  const reference = tryParseReference(name);
  if (reference === undefined) {
    throw new FinchError('VM', `the image ${digest} has no name in the virtual machine`, {
      hint: 'build it again with a name: finch build -t NAME',
    });
  }
  const { machine } = engine;
  const bridge = await ensureBridge(home, { machine, env, ...(signal && { signal }) });
  note(`${familiarReference(reference)}: getting it from the virtual machine`);
  const [first, ...others] = rows.filter((row) => row.name === name);
  if (first !== undefined) {
    await fetchImage([first, ...others], { engine, bridge, home, env, store, note, signal });
  }
  return findImage(store, name);
}

/** What the engine answers; undefined when there is none, or it does not answer as it should. */
async function asked<T>(
  { engine, note }: Pick<Sides, 'engine' | 'note'>,
  ask: () => Promise<T>,
): Promise<T | undefined> {
  try {
    if (!hasNerdctl(engine)) return undefined;
    return await ask();
  } catch (error) {
    if (!(error instanceof FinchError) || error.code === 'CANCELLED') throw error;
    note(`the images of the virtual machine are not known: ${error.message}`);
    return undefined;
  }
}

/** A containerd without nerdctl is somebody else's. */
function hasNerdctl(engine: Engine): boolean {
  try {
    engine.command(['version']);
    return true;
  } catch (error) {
    if (error instanceof FinchError) return false;
    throw error;
  }
}
