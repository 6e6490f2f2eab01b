import { type Command, silence } from './command.ts';
import { profileFlag } from './ecr-flags.ts';
import { setupOptions } from './ecr-setup-options.ts';

/** `finch ecr setup`. */
export const command: Command = {
  usage: '[HOST…]',
  arity: { min: 0, max: 100 },
  about:
    'Sets up registries of Amazon ECR so that they need no login: checks that your AWS credentials work, names the helper ecr-login in finch.yaml and config.json, takes out old logins that would be in its way, and starts the virtual machine anew where one runs. Shows what changes. Without HOST it is the registry of your own account and region. Take it back with: finch ecr unset.',
  flags: [
    { name: 'public', summary: 'also set up Amazon ECR Public, public.ecr.aws' },
    profileFlag,
    { name: 'dry-run', summary: 'show what would change, and change nothing' },
  ],
  examples: [
    { line: 'finch ecr setup', what: 'set up the registry of your own account' },
    {
      line: 'finch ecr setup --profile dev 111122223333.dkr.ecr.eu-west-1.amazonaws.com',
      what: 'use the AWS profile dev for one registry',
    },
    { line: 'finch ecr setup --public --dry-run', what: 'see what would change' },
  ],
  async run(app, { args, on, text, signal }) {
    const { chooseRegistries } = await import('../setup/choose-registries.ts');
    const { setUpEcr } = await import('../setup/ecr-setup.ts');
    const profile = text('profile');
    const wishes = { hosts: args, isPublic: on('public'), profile };
    const registries = await chooseRegistries(wishes, await app.aws(), { signal });
    for (const { remarks } of registries) for (const line of remarks) app.talk.note(line);
    const hosts = registries.map(({ host }) => host);
    const options = await setupOptions(app, { signal });
    await setUpEcr({ hosts, profile, isDryRun: on('dry-run') }, options);
    return silence;
  },
};
