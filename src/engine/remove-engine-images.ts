import type { AbortOptions } from '../content.ts';
import { FinchError, hasCode } from '../errors.ts';
import type { OtherImage, OtherSide } from '../images/remove-images.ts';
import { engineLines } from './ask-engine.ts';
import { countingRows, matchingRows, rowsThere, type Sides } from './either-side.ts';
import { isNameless } from './engine-images.ts';

/** The images of the engine, to be removed. */
export interface EngineImages extends OtherSide {
  /** What nerdctl said of those that are removed, but for the ones of these names. */
  linesWithout(names: ReadonlySet<string>): readonly string[];
}

/** nerdctl's own: https://github.com/containerd/nerdctl/blob/v2.2.2/pkg/cmd/image/remove.go */
const CONFLICT =
  /conflict: unable to delete \S+ \((?:must|cannot) be forced\) - image is being used by (running|stopped) container (\w+)/;

/**
 * The images that the engine has now; undefined when it does not say.
 * @throws the signal's reason
 */
export async function engineImages(
  sides: Sides,
  { force, signal }: AbortOptions & { readonly force: boolean },
): Promise<EngineImages | undefined> {
  const rows = await rowsThere(sides, { signal });
  if (rows === undefined) return undefined;
  const { engine, store } = sides;
  const counting = new Set(await countingRows(rows, sides, { signal }));
  const lines = new Map<OtherImage, readonly string[]>();
  const remove = async (image: OtherImage) => {
    const { name, digest } = image;
    const args = ['rmi', ...(force ? ['--force'] : []), name ?? digest];
    const said = await engineLines(engine, args, { signal });
    const isShown = (line: string) => line !== '' && !line.startsWith('Untagged: <none>');
    lines.set(image, said.filter(isShown));
  };
  return {
    linesWithout: (names) =>
      [...lines].flatMap(([{ name }, said]) => (name !== undefined && names.has(name) ? [] : said)),
    find: (text) =>
      matchingRows(rows, text).map((row) => ({
        name: isNameless(row.name) ? undefined : row.name,
        digest: row.digest,
        isOutdated: !counting.has(row) && store.name(row.name)?.target.digest !== row.digest,
      })),
    async remove(images) {
      const refused = new Map<OtherImage, FinchError>();
      // An id that has names left is not one image to nerdctl.
      const nameless = images.filter(({ name }) => name === undefined);
      const named = images.filter(({ name }) => name !== undefined);
      for (const image of [...named, ...nameless]) {
        try {
          await remove(image);
        } catch (error) {
          if (!hasCode(error, 'VM')) throw error;
          // Somebody else was quicker.
          if (!error.message.includes('no such image')) refused.set(image, refusal(error));
        }
      }
      return refused;
    },
  };
}

function refusal(error: FinchError): FinchError {
  const [message, state, container] = CONFLICT.exec(error.message) ?? [];
  if (message === undefined) return error;
  const force = state === 'running' ? '' : ', or use --force';
  return new FinchError('VM', message, {
    hint: `remove the container first: finch rm ${state === 'running' ? '-f ' : ''}${container?.slice(0, 12)}${force}`,
    cause: error,
  });
}
