import { describe, expect, test } from 'bun:test';
import { commands } from '../../src/commands/index.ts';
import {
  asksForHelp,
  helpOfFinch,
  nerdctlCommandOf,
  nerdctlCommands,
} from '../../src/engine/nerdctl-commands.ts';

/** What Go's Finch hands to nerdctl: https://github.com/runfinch/finch/blob/v1.18.0/cmd/finch/nerdctl.go */
const OF_GO_FINCH = [
  ...['build', 'builder', 'commit', 'compose', 'container', 'create', 'cp', 'events', 'exec'],
  ...['history', 'image', 'images', 'info', 'inspect', 'kill', 'load', 'logs', 'network', 'pause'],
  ...[
    'port',
    'ps',
    'pull',
    'push',
    'restart',
    'rm',
    'rmi',
    'run',
    'save',
    'start',
    'stats',
    'stop',
  ],
  ...['system', 'tag', 'top', 'unpause', 'update', 'volume', 'wait', 'version', 'login', 'logout'],
];

function helps(line: string): boolean {
  const words = line.split(' ');
  const command = nerdctlCommandOf(words);
  if (command === undefined) throw new Error(`not nerdctl's: ${line}`);
  return asksForHelp(command, words);
}

describe('nerdctlCommands', () => {
  test('with finch, have every command of Go Finch', () => {
    const known = new Set(
      [...commands.flatMap(({ paths }) => paths), ...nerdctlCommands.map(({ path }) => path)].map(
        (path) => path.split(' ')[0] ?? '',
      ),
    );
    expect(OF_GO_FINCH.filter((word) => !known.has(word))).toEqual([]);
  });

  test('have nothing that finch does itself', () => {
    const own = new Set(commands.flatMap(({ paths }) => paths));
    expect(nerdctlCommands.filter(({ path }) => own.has(path))).toEqual([]);
  });
});

describe('asksForHelp()', () => {
  test('is so for a group alone, and for a flag behind the command and nothing else', () => {
    for (const line of [
      ...['compose', 'container', 'compose --help', 'compose -h', 'compose up --help'],
      ...['run --help', 'run -h', 'build -h', 'image inspect --help', 'container run -h'],
    ]) {
      expect([line, helps(line)]).toEqual([line, true]);
    }
  });

  test('is not so for what may be meant for a container', () => {
    for (const line of [
      ...['run', 'ps', 'run app --help', 'run -h name app', 'exec web ls -h'],
      ...['container run app --help', 'compose exec web ls --help', 'image inspect app -h'],
    ]) {
      expect([line, helps(line)]).toEqual([line, false]);
    }
  });
});

describe('helpOfFinch()', () => {
  test('says finch, but not in addresses and paths', () => {
    const help = [
      'Usage: nerdctl run [flags] IMAGE',
      'Example: $ nerdctl build -t app . && nerdctl run app',
      'see https://github.com/containerd/nerdctl/blob/main/docs/x.md, /etc/nerdctl/nerdctl.toml',
      "See also 'nerdctl --help' for the global flags such as '--namespace'.",
      '',
    ].join('\n');
    expect(helpOfFinch(help)).toBe(
      [
        'Usage: finch run [flags] IMAGE',
        'Example: $ finch build -t app . && finch run app',
        'see https://github.com/containerd/nerdctl/blob/main/docs/x.md, /etc/nerdctl/nerdctl.toml',
        '',
      ].join('\n'),
    );
  });
});
