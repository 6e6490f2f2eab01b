import type { AbortOptions } from '../content.ts';
import type { Sides } from '../engine/either-side.ts';
import { filterImages } from '../images/filter-images.ts';
import type { ImageRow } from '../images/image-row.ts';
import { listed, listImages } from '../images/list-images.ts';
import { isPassing } from '../oci/bridge-repository.ts';
import type { ImageRecord } from '../store/image-store.ts';
import type { Command } from './command.ts';
import { sidesOf } from './engine-side.ts';

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
    const sides = await sidesOf(app);
    const there = sides === undefined ? [] : await onlyThere(sides, { signal });
    const isThere = new Set(there.map((row) => row.name));
    const records = store
      .names()
      .filter((record) => !isThere.has(record.name) && !isPassing(record.name));
    const passed = await filterImages(store, {
      ...wanted,
      records: listed([...records, ...there.map(recordOf)]),
    });
    const here = passed.filter((record) => !isThere.has(record.name));
    const rows = await listImages(store, here, { platform, signal });
    const names = new Set(passed.slice(here.length).map((record) => record.name));
    const inEngine = there.filter((row) => names.has(row.name));
    const newestFirst = (a: ImageRow, b: ImageRow) => b.createdAt.getTime() - a.createdAt.getTime();
    const format = invocation.text('format');
    return {
      kind: 'images',
      // Those of the store are in that order already.
      rows: inEngine.length === 0 ? rows : [...rows, ...inEngine].toSorted(newestFirst),
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

/** The rows of images that only the engine has, or newer ones. */
async function onlyThere(sides: Sides, { signal }: AbortOptions): Promise<readonly ImageRow[]> {
  const { countingRows, rowsThere } = await import('../engine/either-side.ts');
  const rows = (await rowsThere(sides, { signal })) ?? [];
  return await countingRows(rows, sides, { signal });
}

/** What filters see of an image of the machine: all but its labels. */
function recordOf({ name, digest, createdAt }: ImageRow): ImageRecord {
  return { name, target: { mediaType: '', digest, size: 0 }, createdAt };
}
