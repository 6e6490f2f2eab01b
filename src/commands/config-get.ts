import { FinchError } from '../errors.ts';
import { printable } from '../text.ts';
import type { Command } from './command.ts';

/** `finch config get`. */
export const command: Command = {
  usage: 'KEY',
  arity: { min: 1, max: 1 },
  about:
    'Writes the value of a key, of a list each item in a line of its own. Where finch.yaml does not say it, it is the default. Without a default the exit status is 1.',
  flags: [],
  examples: [
    { line: 'finch config get memory', what: 'see how much memory the virtual machine gets' },
    { line: 'finch config get experimental.mountInotify', what: 'a key below another' },
  ],
  async run({ host }, { args: [name = ''] }) {
    const { configKey } = await import('../config/keys.ts');
    const { readSettings } = await import('../config/settings.ts');
    const key = configKey(name);
    const { values, isWritten } = (await readSettings(host.home)).of(key);
    if (values.length === 0 && !isWritten) {
      throw new FinchError('USAGE', `${name} is not set, and has no default`, {
        hint: `set it with: finch config set ${name} VALUE`,
      });
    }
    return { kind: 'lines', lines: values.map(printable) };
  },
};
