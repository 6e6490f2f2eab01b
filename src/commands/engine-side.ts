import type { App } from '../app.ts';
import type { Bridge } from '../bridge/bridge.ts';
import type { AbortOptions } from '../content.ts';
import type { Engine } from '../engine/engine.ts';
import { FinchError, hasCode } from '../errors.ts';
import { findImage, isImageId } from '../images/find-image.ts';
import type { ImageRow } from '../images/image-row.ts';
import { familiarReference, formatReference, parseReference } from '../oci/reference.ts';
import type { ImageRecord } from '../store/image-store.ts';

/** The images of a machine that runs. */
export interface EngineSide {
  readonly engine: Engine;
  readonly bridge: Bridge;
  /** A row for each platform that is there. */
  readonly rows: readonly ImageRow[];
}

/**
 * The images of the machine; undefined when it does not run. It is never started for this, and nothing fails because
 * of it: what went wrong the user is told.
 */
export async function engineSide(
  app: App,
  { signal }: AbortOptions,
): Promise<EngineSide | undefined> {
  const { host, talk } = app;
  try {
    const { runningBridge } = await import('../bridge/running-bridge.ts');
    const bridge = await runningBridge(host.home);
    if (bridge === undefined) return undefined;
    const engine = await app.engine();
    const { listEngineImages } = await import('../engine/engine-images.ts');
    const except = `${engine.machine.hostAddress}:${bridge.port}`;
    return { engine, bridge, rows: await listEngineImages(engine, { except, signal }) };
  } catch (error) {
    if (!(error instanceof FinchError) || error.code === 'CANCELLED') throw error;
    talk.note(`the images of the virtual machine are not known: ${error.message}`);
    return undefined;
  }
}

/** The rows that `text` means: those of a name, or of all images whose ids begin so. */
export function engineRows({ rows }: EngineSide, text: string): readonly ImageRow[] {
  const prefix = text.replace(/^sha256:/, '');
  const name = text === prefix && prefix.length < 64 ? formatReference(parseReference(text)) : '';
  const named = rows.filter((row) => row.name === name);
  if (named.length > 0 || !isImageId(text)) return named;
  return rows.filter(({ digest }) => digest.startsWith(`sha256:${prefix}`));
}

/**
 * The image that `text` names in the store, or else in the machine, from which it is brought into the store first.
 * @throws FinchError `IMAGE_NOT_FOUND`, `IMAGE_AMBIGUOUS`, `REFERENCE_INVALID`, `VM`
 */
export async function findOrFetch(
  app: App,
  text: string,
  { signal }: AbortOptions,
): Promise<ImageRecord> {
  const store = await app.store();
  try {
    return findImage(store, text);
  } catch (error) {
    if (!hasCode(error, 'IMAGE_NOT_FOUND')) throw error;
    const side = await engineSide(app, { signal });
    const [first, ...others] = side === undefined ? [] : engineRows(side, text);
    if (side === undefined || first === undefined) throw error;
    const { name, digest } = first;
    const other = others.find((row) => row.digest !== digest);
    if (other !== undefined) {
      throw new FinchError('IMAGE_AMBIGUOUS', `multiple IDs found with provided prefix: ${text}`, {
        hint: `give more digits; it could be ${digest} or ${other.digest}`,
      });
    }
    const familiar = familiarReference(parseReference(name));
    app.talk.note(`${familiar}: getting it from the virtual machine`);
    const rest = others.filter((row) => row.name === name);
    await fetchRows(app, [first, ...rest], { side, signal });
    return findImage(store, name);
  }
}

/**
 * Brings the image that the last of `words` to name one in the machine names into the store, in place of what had its
 * name there. Nothing is done when none does.
 * @throws FinchError `VM`, `CONTENT_MISMATCH`, `IO`
 */
export async function fetchLastNamed(
  app: App,
  words: readonly string[],
  { signal }: AbortOptions,
): Promise<void> {
  const side = await engineSide(app, { signal });
  if (side === undefined) return;
  for (const word of words.toReversed()) {
    const name = nameIn(word);
    const [first, ...rest] = side.rows.filter((row) => row.name === name);
    if (first !== undefined) return await fetchRows(app, [first, ...rest], { side, signal });
  }
}

async function fetchRows(
  app: App,
  rows: readonly [ImageRow, ...ImageRow[]],
  { side, signal }: AbortOptions & { readonly side: EngineSide },
): Promise<void> {
  const { fetchImage } = await import('../engine/fetch-image.ts');
  const { home, env } = app.host;
  await fetchImage(rows, { ...side, home, env, store: await app.store(), signal });
}

function nameIn(word: string): string | undefined {
  try {
    return formatReference(parseReference(word));
  } catch (error) {
    if (hasCode(error, 'REFERENCE_INVALID')) return undefined;
    throw error;
  }
}
