import { commit, version } from '../version.ts';
import type { Command } from './command.ts';

/** `finch version`. */
export const command: Command = {
  usage: '',
  arity: { min: 0, max: 0 },
  flags: [],
  examples: [{ line: 'finch version', what: 'say which finch this is' }],
  async run() {
    const architecture = { x64: 'amd64' }[process.arch as string] ?? process.arch;
    const lines = [
      'Client:',
      ` Version:\tv${version}`,
      ` GitCommit:\t${commit}`,
      ` OS/Arch:\t${process.platform}/${architecture}`,
    ];
    return { kind: 'lines', lines };
  },
};
