import { pushImage } from '../copy/push-image.ts';
import { selectPlatforms } from '../copy/select.ts';
import { underLease } from '../copy/under-lease.ts';
import { familiarReference, formatReference, parseReference } from '../oci/reference.ts';
import type { Command } from './command.ts';
import { ecrRepository } from './ecr-repository.ts';
import { imageOf } from './engine-side.ts';
import { suggestingNear } from './near-repository.ts';
import { platformChoice, platformFlags } from './platform-flags.ts';
import { pushCreating } from './push-creating.ts';
import { hostsDirFlag, hostsDirs, insecureFlag, quietFlag } from './registry-flags.ts';

/** `finch push`. */
export const command: Command = {
  usage: 'NAME[:TAG]',
  arity: { min: 1, max: 1 },
  about:
    'Sends an image to the registry that its name says. Without --platform all platforms that are here go along.',
  flags: [
    ...platformFlags,
    quietFlag,
    insecureFlag,
    hostsDirFlag,
    {
      name: 'create-repo',
      summary: 'at Amazon ECR, make the repository where it is missing',
    },
  ],
  examples: [
    { line: 'finch push ghcr.io/me/app:1.0', what: 'push what is here of an image' },
    {
      line: 'finch push --platform linux/arm64,linux/amd64 ghcr.io/me/app:1.0',
      what: 'push two platforms and an index of them',
    },
    {
      line: 'finch push --create-repo 111222333444.dkr.ecr.eu-west-1.amazonaws.com/app:1.0',
      what: 'push to a repository of Amazon ECR, and make it first if need be',
    },
  ],
  async run(app, invocation) {
    const { args, signal } = invocation;
    const choice = platformChoice(invocation, { otherwise: { kind: 'present' } });
    const reference = parseReference(args[0] ?? '');
    const name = familiarReference(reference);
    const missing = invocation.on('create-repo') ? ecrRepository(reference) : undefined;
    const store = await app.store();
    // Under a lease, so that the image can be removed meanwhile.
    return underLease(
      store,
      async () => {
        const { target } = await imageOf(app, formatReference(reference), { signal });
        await store.has(target, { signal });
        const { root, from, dropped } = await selectPlatforms({ name, root: target }, store, {
          choice,
          signal,
        });
        if (dropped.length > 0) {
          const what = dropped.join(', ');
          app.talk.note(`${name}: left out ${what}; what is pushed is ${root.digest}`);
        }
        const to = await app.repository(reference, {
          access: 'push',
          insecure: invocation.on('insecure-registry'),
          hostsDir: hostsDirs(invocation),
        });
        const quiet = invocation.on('quiet');
        const push = async () => {
          using progress = app.talk.progress({ active: 'uploading', done: 'done' }, { quiet });
          await pushImage(
            root,
            { from, to },
            {
              tag: reference.tag,
              verifyMembers: choice.kind === 'all',
              signal,
              onEvent: (event) => progress.update(event),
            },
          );
        };
        await (missing
          ? pushCreating(push, app, { repository: missing, signal })
          : suggestingNear(push, app, { reference, signal, otherwise: 'push with --create-repo' }));
        const result = `${name}: digest: ${root.digest} size: ${root.size}`;
        return { kind: 'lines', lines: [quiet ? formatReference(reference) : result] };
      },
      { collect: false },
    );
  },
};
