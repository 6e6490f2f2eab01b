import { HeldImages } from '../copy/held-images.ts';
import type { Command } from './command.ts';
import { showProgress } from './progress-flags.ts';
import { pushFlags, pushSettings } from './push-flags.ts';
import { pushItems } from './push-items.ts';
import { pushedNames } from './push-names.ts';
import { checkFiles, PushRecord } from './push-record.ts';
import { failBefore, runPush } from './run-push.ts';

/** `finch push`. */
export const command: Command = {
  usage: 'NAME[:TAG] [NAME[:TAG]...]',
  arity: { min: 1, max: Number.POSITIVE_INFINITY },
  about:
    'Sends images to the registries that their names say. Without --platform all platforms that are here go along. What a push that was cut off has sent is not sent again by the next one.',
  flags: pushFlags,
  examples: [
    { line: 'finch push ghcr.io/me/app:1.0', what: 'push what is here of an image' },
    {
      line: 'finch push --platform linux/arm64,linux/amd64 ghcr.io/me/app:1.0',
      what: 'push two platforms and an index of them',
    },
    {
      line: 'finch push ghcr.io/me/app:1.0 ghcr.io/me/app:latest quay.io/me/app:1.0',
      what: 'push several names; what they share goes to a registry once',
    },
    { line: 'finch push --all-tags ghcr.io/me/app', what: 'push all tags that are here' },
    {
      line: 'finch push --dry-run ghcr.io/me/app:1.0',
      what: 'see what would be sent, and send nothing',
    },
    {
      line: 'finch push --verify --receipt push.json --digest-file digest ghcr.io/me/app:1.0',
      what: 'check all of it at the registry, and write down what happened',
    },
    {
      line: 'finch push --create-repo 111222333444.dkr.ecr.eu-west-1.amazonaws.com/app:1.0',
      what: 'push to a repository of Amazon ECR, and make it first if need be',
    },
  ],
  async run(app, invocation) {
    const { args, words, signal } = invocation;
    const settings = pushSettings(invocation);
    showProgress(app, invocation);
    await checkFiles(settings);
    const references = await pushedNames(app, args, { allTags: settings.allTags, signal });
    const store = await app.store();
    const record = new PushRecord(app);
    await using held = new HeldImages(store);
    const finding = pushItems(references, { app, held }, { ...settings, signal });
    const items = await finding.catch((error: unknown) =>
      failBefore({ app, record }, error, settings),
    );
    if (settings.dryRun) {
      const { showPlan } = await import('./push-plan.ts');
      const verifyMembers = settings.choice.kind === 'all';
      return showPlan(items, { app, store }, { signal, verifyMembers });
    }
    return runPush(items, { app, store, record }, { ...settings, words, signal });
  },
};
