import type { App } from '../app.ts';
import type { AbortOptions } from '../content.ts';
import type { Component, EngineVersion } from '../engine/engine-version.ts';
import { FinchError } from '../errors.ts';
import { commit, version } from '../version.ts';
import type { Command } from './command.ts';

/** Go's names for architectures that Node.js names otherwise. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64' };

/** `finch version`. */
export const command: Command = {
  usage: '',
  arity: { min: 0, max: 0 },
  about:
    'Shows finch, and the programs in the machine when it runs; it is not started for that, and the exit status is 0',
  flags: [{ name: 'format', short: 'f', value: 'FORMAT', summary: 'json, or a Go template' }],
  examples: [
    { line: 'finch version', what: 'say which finch this is' },
    { line: "finch version --format '{{.Client.Version}}'", what: 'only the version' },
  ],
  async run(app, invocation) {
    const client = {
      Version: `v${version}`,
      GitCommit: commit,
      Os: process.platform === 'win32' ? 'windows' : process.platform,
      Arch: ARCHITECTURES[process.arch] ?? process.arch,
    };
    const format = invocation.text('format');
    const { signal } = invocation;
    // A template that needs what is not there says so itself.
    const note = format === undefined ? (line: string) => app.talk.note(line) : () => {};
    const engine = await versionOfEngine(app, { note, signal });
    const { client: programs = [], server = [] } = engine ?? {};
    return {
      kind: 'value',
      value: {
        Client: { ...client, ...(engine && { Components: programs }) },
        ...(engine && { Server: { Components: server } }),
      },
      format,
      // https://github.com/runfinch/finch/blob/v1.18.0/cmd/finch/version.go
      lines: [
        'Client:',
        ` Version:\t${client.Version}`,
        ` GitCommit:\t${client.GitCommit}`,
        ` OS/Arch:\t${client.Os}/${client.Arch}`,
        ...programs.flatMap(componentLines),
        ...(server.length > 0 ? ['', 'Server:', ...server.flatMap(componentLines)] : []),
      ],
    };
  },
};

function componentLines({ Name, Version, Details }: Component): readonly string[] {
  return [` ${Name}:`, `  Version:\t${Version}`, `  GitCommit:\t${Details.GitCommit}`];
}

/** Undefined, with a note, when the machine does not run or does not answer. */
async function versionOfEngine(
  app: App,
  { note, signal }: AbortOptions & { readonly note: (line: string) => void },
): Promise<EngineVersion | undefined> {
  try {
    const machine = await app.machine();
    const { status } = await machine.state({ signal });
    if (status === 'Running') {
      const { engineVersion } = await import('../engine/engine-version.ts');
      return await engineVersion(await app.engine(), { signal });
    }
    note('detailed version info is unavailable because VM is not running');
  } catch (error) {
    if (!(error instanceof FinchError) || error.code === 'CANCELLED') throw error;
    note(`detailed version info is unavailable: ${error.message}`);
  }
  return undefined;
}
