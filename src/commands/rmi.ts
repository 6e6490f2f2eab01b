import { removeImages } from '../images/remove-images.ts';
import type { Command } from './command.ts';

/** `finch rmi`. */
export const command: Command = {
  usage: 'IMAGE [IMAGE...]',
  arity: { min: 1, max: Number.POSITIVE_INFINITY },
  about:
    'Takes away names, or all that an id has with --force, and frees what no name reaches any more.',
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
    const { records, layers } = await removeImages(await app.store(), args, {
      force: invocation.on('force'),
      onSkipped: ({ message }) => app.talk.note(message),
      onNotFreed: ({ message }) =>
        app.talk.note(`the names are removed, but not all space is free yet: ${message}`),
      signal,
    });
    const untagged = records.map(
      ({ name, target }) => `Untagged: ${name.replace(/@.*/, '')}@${target.digest}`,
    );
    return { kind: 'lines', lines: [...untagged, ...layers.map((digest) => `Deleted: ${digest}`)] };
  },
};
