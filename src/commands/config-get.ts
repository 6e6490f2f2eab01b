import { FinchError } from '../errors.ts';
import { printable } from '../text.ts';
import type { Command } from './command.ts';
import { isNative } from './is-native.ts';

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
  async run(app, { args: [name = ''] }) {
    const { home } = app.host;
    const { configKey } = await import('../config/keys.ts');
    const { readSettings } = await import('../config/settings.ts');
    const key = configKey(name);
    const settings = await readSettings(home, { isNative: await isNative(app) });
    const { values, isWritten } = settings.of(key);
    const { fault } = settings;
    if (fault !== undefined) {
      return { kind: 'faulty', shown: { kind: 'lines', lines: values.map(printable) }, fault };
    }
    if (values.length === 0 && !isWritten) {
      throw new FinchError('USAGE', `${name} is not set, and has no default`, {
        hint: `set it with: finch config set ${name} VALUE`,
      });
    }
    return { kind: 'lines', lines: values.map(printable) };
  },
};
