import { commit, version } from '../version.ts';
import type { Command } from './command.ts';

/** Go's names for architectures that Node.js names otherwise. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64' };

/** `finch version`. */
export const command: Command = {
  usage: '',
  arity: { min: 0, max: 0 },
  flags: [{ name: 'format', short: 'f', value: 'FORMAT', summary: 'json, or a Go template' }],
  examples: [
    { line: 'finch version', what: 'say which finch this is' },
    { line: "finch version --format '{{.Client.Version}}'", what: 'only the version' },
  ],
  async run(_app, invocation) {
    const client = {
      Version: `v${version}`,
      GitCommit: commit,
      Os: process.platform === 'win32' ? 'windows' : process.platform,
      Arch: ARCHITECTURES[process.arch] ?? process.arch,
    };
    return {
      kind: 'value',
      value: { Client: client },
      format: invocation.text('format'),
      lines: [
        'Client:',
        ` Version:\t${client.Version}`,
        ` GitCommit:\t${client.GitCommit}`,
        ` OS/Arch:\t${client.Os}/${client.Arch}`,
      ],
    };
  },
};
