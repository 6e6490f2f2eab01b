import { pullImage } from '../copy/pull-image.ts';
import { formatPlatform } from '../oci/platform.ts';
import { familiarReference, formatReference, parseReference } from '../oci/reference.ts';
import type { Command } from './command.ts';
import { suggestingNear } from './near-repository.ts';
import { platformChoice, platformFlags } from './platform-flags.ts';
import { progressFlag, showProgress } from './progress-flags.ts';
import { hostsDirFlag, hostsDirs, insecureFlag, quietFlag } from './registry-flags.ts';

/** `finch pull`. */
export const command: Command = {
  usage: 'NAME[:TAG|@DIGEST]',
  arity: { min: 1, max: 1 },
  about:
    'Fetches an image into the local store, every byte verified. Without --platform it is the one that runs on this machine.',
  flags: [...platformFlags, quietFlag, progressFlag, insecureFlag, hostsDirFlag],
  examples: [
    { line: 'finch pull alpine:3.22', what: "fetch this machine's platform" },
    { line: 'finch pull --all-platforms ghcr.io/me/app:1.0', what: 'fetch every platform' },
  ],
  async run(app, invocation) {
    showProgress(app, invocation);
    const { args, signal } = invocation;
    const { platform } = app.host;
    const choice = platformChoice(invocation, {
      otherwise: { kind: 'named', platforms: [platform], isDefault: true },
    });
    const reference = parseReference(args[0] ?? '');
    const from = await app.repository(reference, {
      access: 'pull',
      insecure: invocation.on('insecure-registry'),
      hostsDir: hostsDirs(invocation),
    });
    const to = await app.store();
    const notes: string[] = [];
    const name = familiarReference(reference);
    app.talk.tell({ event: 'start', command: 'pull', references: [{ name }] });
    const progress = app.talk.progress({ active: 'downloading', done: 'done' });
    const pulling = pullImage(
      reference,
      { from, to },
      {
        choice,
        platform,
        signal,
        onOtherPlatform: (other) => {
          const [its, ours] = [other, platform].map(formatPlatform);
          notes.push(`${name} is ${its}; this machine runs ${ours}`);
        },
        onEvent: (event) => progress.update(event),
      },
    );
    const pulled = pulling.finally(() => progress[Symbol.dispose]());
    const root = await suggestingNear(() => pulled, app, { reference, signal });
    // Not while the progress is drawn.
    for (const note of notes) app.talk.note(note);
    const result = `${name}: digest: ${root.digest} size: ${root.size}`;
    return { kind: 'lines', lines: [invocation.on('quiet') ? formatReference(reference) : result] };
  },
};
