import { loadArchive } from '../archives/load-archive.ts';
import { FinchError } from '../errors.ts';
import { familiarReference } from '../oci/reference.ts';
import type { Command } from './command.ts';
import { compressionFlags, wantedCompression } from './compression-flags.ts';
import { progressFlag, showProgress } from './progress-flags.ts';

/** `finch load`. */
export const command: Command = {
  usage: '',
  arity: { min: 0, max: 0 },
  about:
    'Reads images from docker-archives, OCI archives and OCI layout folders, plain or compressed with gzip or zstd.',
  flags: [
    {
      name: 'input',
      short: 'i',
      value: 'FILE',
      summary: 'read from a file or folder instead of stdin',
    },
    { name: 'quiet', short: 'q', summary: 'no progress' },
    progressFlag,
    ...compressionFlags,
  ],
  examples: [
    { line: 'finch load -i app.tar', what: 'load the images in a file' },
    { line: 'zcat app.tar.gz | finch load', what: 'load what another program writes' },
    { line: 'finch load --compression zstd -i app.tar', what: 'keep its layers in less space' },
  ],
  async run(app, invocation) {
    showProgress(app, invocation);
    const compression = wantedCompression(invocation);
    const { signal } = invocation;
    const { host } = app;
    const path = invocation.text('input');
    if (path === undefined && host.stdin.isTerminal) {
      throw new FinchError('USAGE', 'stdin is a terminal and no file is given', {
        hint: 'name the archive with: finch load -i FILE',
      });
    }
    const store = await app.store();
    using progress = app.talk.progress({ active: 'loading', done: 'done' });
    const images = await loadArchive(
      path === undefined ? { stream: host.stdin.stream({ signal }) } : { path },
      {
        store,
        platform: host.platform,
        now: host.now(),
        compression,
        signal,
        onEvent: (event) => progress.update(event),
      },
    );
    for (const { note } of images) if (note !== undefined) app.talk.note(note);
    const lines = images.map(({ reference }) => `Loaded image: ${familiarReference(reference)}`);
    return { kind: 'lines', lines };
  },
};
