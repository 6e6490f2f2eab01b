import { finchYamlPath } from '../config/finch-yaml.ts';
import type { Command } from './command.ts';

/** `finch config path`. */
export const command: Command = {
  usage: '',
  arity: { min: 0, max: 0 },
  about: 'Writes the path of finch.yaml, whether there is one or not.',
  flags: [],
  examples: [{ line: 'finch config path', what: 'see which file has the settings' }],
  run: async ({ host }) => ({ kind: 'lines', lines: [finchYamlPath(host.home)] }),
};
