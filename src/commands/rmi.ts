import type { App } from '../app.ts';
import { FinchError } from '../errors.ts';
import { findImages } from '../images/find-image.ts';
import { removeImages } from '../images/remove-images.ts';
import type { Command } from './command.ts';
import { type EngineSide, engineRows, engineSide } from './engine-side.ts';

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
    const side = await engineSide(app, { signal });
    const isEngines = (text: string) =>
      side !== undefined &&
      findImages(store, text).length === 0 &&
      engineRows(side, text).length > 0;
    const engines = args.filter(isEngines);
    const { records, layers } = await removeImages(
      store,
      args.filter((text) => !engines.includes(text)),
      {
        force,
        onSkipped: ({ message }) => app.talk.note(message),
        onNotFreed: ({ message }) =>
          app.talk.note(`the names are removed, but not all space is free yet: ${message}`),
        signal,
      },
    );
    const untagged = records.map(
      ({ name, target }) => `Untagged: ${name.replace(/@.*/, '')}@${target.digest}`,
    );
    const lines = [...untagged, ...layers.map((digest) => `Deleted: ${digest}`)];
    if (side === undefined) return { kind: 'lines', lines };
    const both = records.filter(({ name }) => side.rows.some((row) => row.name === name));
    await removeThere(
      app,
      both.map(({ name }) => name),
      { side, force, signal },
    );
    const { engineLines } = await import('../engine/ask-engine.ts');
    const flags = force ? ['--force'] : [];
    for (const text of engines) {
      lines.push(...(await engineLines(side.engine, ['rmi', ...flags, text], { signal })));
    }
    return { kind: 'lines', lines };
  },
};

/** Takes names away in the machine that are already gone here. One that a container needs stays. */
async function removeThere(
  { talk }: App,
  names: readonly string[],
  {
    side: { engine },
    force,
    signal,
  }: { readonly side: EngineSide; readonly force: boolean; readonly signal: AbortSignal },
): Promise<void> {
  const { runEngine } = await import('../engine/ask-engine.ts');
  for (const name of names) {
    try {
      await runEngine(engine, ['rmi', ...(force ? ['--force'] : []), name], { signal });
    } catch (error) {
      if (!(error instanceof FinchError) || error.code === 'CANCELLED') throw error;
      talk.note(`${name} is still in the virtual machine: ${error.message}`);
    }
  }
}
