import { filterImages } from '../images/filter-images.ts';
import { listImages } from '../images/list-images.ts';
import type { Command } from './command.ts';

/** `finch images`. */
export const command: Command = {
  usage: '[REPOSITORY[:TAG]]',
  arity: { min: 0, max: 1 },
  about: 'Shows the images in the local store, newest first, one row for each platform.',
  flags: [
    { name: 'quiet', short: 'q', summary: 'print only ids' },
    { name: 'no-trunc', summary: 'print ids in full' },
    { name: 'digests', summary: 'add a column with the digest' },
    { name: 'names', summary: 'print whole names instead of repository and tag' },
    {
      name: 'filter',
      short: 'f',
      value: 'KEY=VALUE',
      summary: 'dangling, label, before, since, reference',
    },
    { name: 'format', value: 'FORMAT', summary: 'json, table, wide, or a Go template' },
    { name: 'all', short: 'a', summary: 'every image, which is the default' },
  ],
  examples: [
    { line: 'finch images', what: 'show everything' },
    { line: 'finch images alpine', what: 'show the tags of one repository' },
    {
      line: "finch images --format '{{.Repository}}:{{.Tag}}' --filter label=team=web",
      what: 'names of the images with a label',
    },
  ],
  async run(app, invocation) {
    const { args, signal } = invocation;
    const { platform } = app.host;
    const store = await app.store();
    const [name] = args;
    const filters = invocation.list('filter');
    const records = await filterImages(store, {
      ...(name !== undefined && { name }),
      filters,
      platform,
    });
    const format = invocation.text('format');
    return {
      kind: 'images',
      rows: await listImages(store, records, { platform, signal }),
      view: {
        quiet: invocation.on('quiet'),
        noTrunc: invocation.on('no-trunc'),
        digests: invocation.on('digests'),
        names: invocation.on('names'),
        ...(format !== undefined && { format }),
      },
    };
  },
};
