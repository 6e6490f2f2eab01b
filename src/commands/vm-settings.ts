import { changeSettings } from './change-settings.ts';
import type { Command } from './command.ts';

/** The flags, which are keys of finch.yaml too. */
const KEYS = ['cpus', 'memory', 'bootdisk', 'datadisk'];

/** `finch vm settings`. */
export const command: Command = {
  usage: '',
  arity: { min: 0, max: 0 },
  about:
    'Changes what finch.yaml says of the virtual machine; it counts when that starts next. A disk only grows. See what is set with: finch config list',
  flags: [
    { name: 'cpus', value: 'COUNT', summary: 'how many CPUs it gets' },
    { name: 'memory', value: 'SIZE', summary: 'how much memory it gets, for example 4GiB' },
    { name: 'bootdisk', value: 'SIZE', summary: 'how large its own disk is' },
    { name: 'datadisk', value: 'SIZE', summary: 'how large the disk of images and containers is' },
  ],
  examples: [
    { line: 'finch vm settings --cpus 4 --memory 8GiB', what: 'make it larger' },
    { line: 'finch vm settings --datadisk 100GiB', what: 'make room for images' },
  ],
  async run(app, { text }) {
    const { configKey } = await import('../config/keys.ts');
    const changes = KEYS.flatMap((name) => {
      const value = text(name);
      return value === undefined ? [] : [{ key: configKey(name), texts: [value] }];
    });
    if (changes.length === 0) return { kind: 'help' };
    if (await changeSettings(app, changes)) {
      return { kind: 'lines', lines: ['Configurations have been successfully updated.'] };
    }
    app.talk.note('Provided flags match existing settings, no changes made.');
    return { kind: 'lines', lines: [] };
  },
};
