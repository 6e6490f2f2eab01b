import { FinchError } from '../errors.ts';
import { type Command, silence } from './command.ts';
import { forgetDueRestart, machine, noMachine } from './vm-machine.ts';

/** `finch vm stop`. */
export const command: Command = {
  usage: '',
  arity: { min: 0, max: 0 },
  flags: [],
  examples: [{ line: 'finch vm stop', what: 'stop the virtual machine' }],
  async run(app, { signal }) {
    const vm = await machine(app);
    const status = await vm.status({ signal });
    if (status === undefined) throw noMachine();
    if (status === 'Stopped') {
      throw new FinchError('VM', 'the instance "finch" is already stopped', {
        hint: 'start it with: finch vm start',
      });
    }
    app.talk.note('Stopping existing Finch virtual machine...');
    await vm.stop({ signal });
    await forgetDueRestart(app);
    app.talk.note('Finch virtual machine stopped successfully');
    return silence;
  },
};
