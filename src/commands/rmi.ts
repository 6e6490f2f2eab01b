import type { App } from '../app.ts';
import type { AbortOptions } from '../content.ts';
import type { EngineImages } from '../engine/remove-engine-images.ts';
import { removeImages, together } from '../images/remove-images.ts';
import type { Command } from './command.ts';
import { sidesOf } from './engine-side.ts';

/** `finch rmi`. */
export const command: Command = {
  usage: 'IMAGE [IMAGE...]',
  arity: { min: 1, max: Number.POSITIVE_INFINITY },
  about:
    'Takes away names, or all that an id has with --force, and frees what no name reaches any more; in a running virtual machine too.',
  flags: [
    {
      name: 'force',
      short: 'f',
      summary: 'take away all names of an id; pass over images that are not there',
    },
  ],
  examples: [
    { line: 'finch rmi app:1.0', what: 'take away one name' },
    { line: 'finch rmi -f 69b2528740fe', what: 'take away an image with all its names' },
  ],
  async run(app, invocation) {
    const { args, signal } = invocation;
    const force = invocation.on('force');
    const store = await app.store();
    const engine = await engineSide(app, { force, signal });
    const { names, layers, refused } = await removeImages(store, args, {
      ...{ force, otherSide: engine, signal },
      onSkipped: ({ message }) => app.talk.note(message),
      onNotFreed: ({ message }) =>
        app.talk.note(`the names are removed, but not all space is free yet: ${message}`),
    });
    const untagged = names.map(
      ({ name, digest }) => `Untagged: ${name.replace(/@.*/, '')}@${digest}`,
    );
    const here = [...untagged, ...layers.map((digest) => `Deleted: ${digest}`)];
    const there = engine?.linesWithout(new Set(names.map(({ name }) => name))) ?? [];
    const lines = [...new Set([...here, ...there])];
    const [first] = refused;
    if (first === undefined) return { kind: 'lines', lines };
    for (const line of lines) app.talk.print(line);
    throw together(refused, first);
  },
};

/** The images of a machine that runs, for them to be removed there too. */
async function engineSide(
  app: App,
  options: AbortOptions & { readonly force: boolean },
): Promise<EngineImages | undefined> {
  const sides = await sidesOf(app);
  if (sides === undefined) return undefined;
  const { engineImages } = await import('../engine/remove-engine-images.ts');
  return await engineImages(sides, options);
}
