import { filterImages } from '../images/filter-images.ts';
import type { ImageRow } from '../images/image-row.ts';
import { listImages } from '../images/list-images.ts';
import type { ImageRecord } from '../store/image-store.ts';
import type { Command } from './command.ts';
import { engineSide } from './engine-side.ts';

/** `finch images`. */
export const command: Command = {
  usage: '[REPOSITORY[:TAG]]',
  arity: { min: 0, max: 1 },
  about:
    'Shows the images in the local store, and those that only a running virtual machine has, newest first, one row for each platform.',
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
    const wanted = { ...(name !== undefined && { name }), filters, platform };
    const records = await filterImages(store, wanted);
    const rows = await listImages(store, records, { platform, signal });
    const side = await engineSide(app, { signal });
    const others = (side?.rows ?? []).filter((row) => store.name(row.name) === undefined);
    const passed = await filterImages(store, { ...wanted, records: others.map(recordOf) });
    const inEngine = others.filter((row) => passed.some(({ name }) => name === row.name));
    const format = invocation.text('format');
    return {
      kind: 'images',
      rows: [...rows, ...inEngine].toSorted(
        (a, b) => b.createdAt.getTime() - a.createdAt.getTime(),
      ),
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

/** What filters see of an image of the machine: all but its labels. */
function recordOf({ name, digest, createdAt }: ImageRow): ImageRecord {
  return { name, target: { mediaType: '', digest, size: 0 }, createdAt };
}
