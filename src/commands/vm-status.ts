import type { Command } from './command.ts';
import { machine } from './vm-machine.ts';

/** `finch vm status`. */
export const command: Command = {
  usage: '',
  arity: { min: 0, max: 0 },
  about:
    'Writes Running, Stopped or Nonexistent, or what else Lima calls it; the exit status is 0 for each.',
  flags: [],
  examples: [{ line: 'finch vm status', what: 'see whether the virtual machine runs' }],
  async run(app, { signal }) {
    const status = await (await machine(app)).status({ signal });
    return { kind: 'lines', lines: [status ?? 'Nonexistent'] };
  },
};
