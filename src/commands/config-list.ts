import { printable } from '../text.ts';
import type { Command } from './command.ts';
import { isNative } from './is-native.ts';

/** `finch config list`. */
export const command: Command = {
  usage: '',
  arity: { min: 0, max: 0 },
  about:
    'Lists every key with the value that counts, and whether finch.yaml says it or it is the default, of this machine where it depends on that.',
  flags: [
    { name: 'format', short: 'f', value: 'FORMAT', summary: 'table, json, or a Go template' },
  ],
  examples: [
    { line: 'finch config list', what: 'see all settings' },
    { line: 'finch config list --format json', what: 'the same for a program, a line for each' },
  ],
  async run(app, { text }) {
    const { host } = app;
    const { readSettings } = await import('../config/settings.ts');
    const settings = await readSettings(host.home, { isNative: await isNative(app) });
    const rows = settings.keys().map((key) => {
      const { values, isWritten } = settings.of(key);
      const source = isWritten ? 'finch.yaml' : 'default';
      return { Key: printable(key.name), Value: printable(values.join(',')), Source: source };
    });
    const headers = { Key: 'KEY', Value: 'VALUE', Source: 'SOURCE' };
    const shown = { kind: 'rows', rows, headers, format: text('format') } as const;
    const { fault } = settings;
    return fault === undefined ? shown : { kind: 'faulty', shown, fault };
  },
};
