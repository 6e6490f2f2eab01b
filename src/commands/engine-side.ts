import type { App } from '../app.ts';
import type { AbortOptions } from '../content.ts';
import type { Sides } from '../engine/either-side.ts';
import { FinchError } from '../errors.ts';
import { findImage } from '../images/find-image.ts';
import type { ImageRecord } from '../store/image-store.ts';

/**
 * The two sides that images are on; undefined while no machine runs. None is started for this, and when none can be
 * asked the user is told.
 */
export async function sidesOf(app: App): Promise<Sides | undefined> {
  const { home, env } = app.host;
  const note = (line: string) => app.talk.note(line);
  try {
    const engine = await app.engine();
    if (!(await engine.machine.isUp())) return undefined;
    return { store: await app.store(), engine, home, env, note };
  } catch (error) {
    if (!(error instanceof FinchError) || error.code === 'CANCELLED') throw error;
    note(`the images of the virtual machine are not known: ${error.message}`);
    return undefined;
  }
}

/**
 * The image that `text` names, in the store by now, wherever it was.
 * @throws FinchError `IMAGE_NOT_FOUND`, `IMAGE_AMBIGUOUS`, `REFERENCE_INVALID`, `VM`
 */
export async function imageOf(
  app: App,
  text: string,
  { signal }: AbortOptions,
): Promise<ImageRecord> {
  const sides = await sidesOf(app);
  if (sides === undefined) return findImage(await app.store(), text);
  const { findOrFetch } = await import('../engine/either-side.ts');
  return await findOrFetch(text, sides, { signal });
}
