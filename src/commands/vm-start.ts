import { FinchError } from '../errors.ts';
import { type Command, silence } from './command.ts';
import { forgetDueRestart, machine, noMachine } from './vm-machine.ts';

/** `finch vm start`. */
export const command: Command = {
  usage: '',
  arity: { min: 0, max: 0 },
  flags: [],
  examples: [{ line: 'finch vm start', what: 'start the virtual machine that was stopped' }],
  async run(app, { signal }) {
    const vm = await machine(app);
    const status = await vm.status({ signal });
    if (status === undefined) throw noMachine();
    if (status === 'Running') {
      throw new FinchError('VM', 'the instance "finch" is already running', {
        hint: 'stop it with: finch vm stop',
      });
    }
    app.talk.note('Starting existing Finch virtual machine...');
    await vm.start({ signal });
    await forgetDueRestart(app);
    app.talk.note('Finch virtual machine started successfully');
    return silence;
  },
};
