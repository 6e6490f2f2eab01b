import { noDisk } from '../vm/no-machine.ts';
import type { Command } from './command.ts';
import { machineDisk } from './vm-disk.ts';

/** `finch vm disk info`. */
export const command: Command = {
  usage: '',
  arity: { min: 0, max: 0 },
  about: 'Shows the disk on which the images and containers of the virtual machine are.',
  flags: [],
  examples: [{ line: 'finch vm disk info', what: 'see how large the disk is' }],
  async run(app, { signal }) {
    const lines = await (await machineDisk(app)).describe({ signal });
    if (lines === undefined) throw noDisk();
    return { kind: 'lines', lines };
  },
};
