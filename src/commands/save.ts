import { archiveOf } from '../archives/save-archive.ts';
import { selectPlatforms } from '../copy/select.ts';
import { underLease } from '../copy/under-lease.ts';
import { FinchError } from '../errors.ts';
import { familiarReference, parseReference } from '../oci/reference.ts';
import { type Command, silence } from './command.ts';
import { imageOf } from './engine-side.ts';
import { platformChoice, platformFlags } from './platform-flags.ts';
import { progressFlag, showProgress } from './progress-flags.ts';

/** `finch save`. */
export const command: Command = {
  usage: 'IMAGE [IMAGE...]',
  arity: { min: 1, max: Number.POSITIVE_INFINITY },
  about:
    'Writes images to one tar, which finch load, docker load and every program that reads OCI layouts take. Without --platform all platforms that are here go along.',
  flags: [
    { name: 'output', short: 'o', value: 'FILE', summary: 'write to a file instead of stdout' },
    ...platformFlags,
    { name: 'quiet', short: 'q', summary: 'no progress' },
    progressFlag,
  ],
  examples: [
    { line: 'finch save -o app.tar app:1.0', what: 'save an image to a file' },
    {
      line: 'finch save app:1.0 db:2 | ssh host finch load',
      what: 'bring two images to another machine',
    },
  ],
  async run(app, invocation) {
    showProgress(app, invocation);
    const { args, signal } = invocation;
    const { host, talk } = app;
    const choice = platformChoice(invocation, { otherwise: { kind: 'present' } });
    const path = invocation.text('output') || undefined;
    if (path === undefined && host.stdout.isTerminal) {
      throw new FinchError('USAGE', 'cowardly refusing to save to a terminal', {
        hint: 'use the -o flag or redirect stdout',
      });
    }
    const store = await app.store();
    const select = async (text: string) => {
      const { name, target } = await imageOf(app, text, { signal });
      await store.has(target, { signal });
      const reference = parseReference(name);
      const image = { name: familiarReference(reference), root: target };
      const { root, from, dropped } = await selectPlatforms(image, store, { choice, signal });
      if (dropped.length > 0) {
        talk.note(`${image.name}: left out ${dropped.join(', ')}; what is saved is ${root.digest}`);
      }
      return { reference, root, from };
    };
    // Under a lease, so that the images can be removed meanwhile.
    return underLease(
      store,
      async () => {
        const images = [];
        for (const text of args) images.push(await select(text));
        using progress = talk.progress({ active: 'saving', done: 'done' });
        const archive = await archiveOf(images, {
          ...{ platform: host.platform, signal },
          onEvent: (event) => progress.update(event),
        });
        if (path === undefined) await host.stdout.send(archive, { signal });
        else {
          const { writeOutput } = await import('../host/write-output.ts');
          await writeOutput(path, archive, { signal });
        }
        return silence;
      },
      { collect: false },
    );
  },
};
