import { type Command, silence } from './command.ts';
import { setupOptions } from './ecr-setup-options.ts';

/** `finch ecr unset`. */
export const command: Command = {
  usage: '[HOST…]',
  arity: { min: 0, max: 100 },
  about:
    'Takes back what finch ecr setup wrote, for the registries named or for all, and only that: what you have changed since stays, and is named. Asks nobody at AWS. The virtual machine is started anew where one runs.',
  flags: [],
  examples: [
    { line: 'finch ecr unset', what: 'take back everything' },
    {
      line: 'finch ecr unset 111122223333.dkr.ecr.eu-west-1.amazonaws.com',
      what: 'take back what is for one registry',
    },
  ],
  async run(app, { args, signal }) {
    const { ecrHosts } = await import('../setup/choose-registries.ts');
    const { unsetEcr } = await import('../setup/ecr-setup.ts');
    const hosts = ecrHosts(args).map(({ host }) => host);
    await unsetEcr(hosts, await setupOptions(app, { signal }));
    return silence;
  },
};
