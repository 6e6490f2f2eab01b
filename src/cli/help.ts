import type { Command, Flag } from '../commands/command.ts';
import { type CommandEntry, commands } from '../commands/index.ts';
import { nerdctlCommands } from '../engine/nerdctl-commands.ts';
import { commonFlags } from './common-flags.ts';

/** The help of finch, or of a group of its commands as `image` is. */
export function groupHelp(group = ''): string {
  const words = group === '' ? 1 : 2;
  const lines = commands.flatMap((entry) => {
    const path = pathIn(entry, group);
    return path === undefined ? [] : [[path, entry.summary] as const];
  });
  const groups = group === '' ? [['image …', 'The same commands in their long form'] as const] : [];
  const containers = nerdctlCommands.flatMap(({ path, summary }) => {
    const word = nerdctlWord(path, group);
    return word === undefined ? [] : [[word, summary] as const];
  });
  return sections([
    `finch ${group}`.trim() + (words === 1 ? ': open-source container development tool' : ''),
    `Usage:\n  finch ${group === '' ? '' : `${group} `}COMMAND`,
    `Commands:\n${twoColumns([...lines, ...groups])}`,
    containers.length === 0 ? '' : `By nerdctl, in the machine:\n${twoColumns(containers)}`,
    `Flags:\n${twoColumns([...commonFlags, { name: 'version', summary: 'show the version' }].map(flagLine))}`,
    `Learn more about a command with: finch ${group === '' ? '' : `${group} `}COMMAND --help`,
  ]);
}

/** Where a command is listed: everywhere by its shortest path, in a group by the shortest there. */
function pathIn({ paths, isHidden }: CommandEntry, group: string): string | undefined {
  if (isHidden) return undefined;
  if (group === '') return paths[0];
  return paths.find((path) => path.startsWith(`${group} `))?.slice(group.length + 1);
}

/** Where a command of nerdctl's is listed: those of two words in their group only. */
function nerdctlWord(path: string, group: string): string | undefined {
  const [word, second] = path.split(' ');
  if (second === undefined) return group === '' ? word : undefined;
  return word === group ? second : undefined;
}

/** The help of one command. */
export function commandHelp(
  path: string,
  { paths, summary }: CommandEntry,
  command: Command,
): string {
  const { usage, about, flags, examples } = command;
  const others = paths.filter((other) => other !== path).map((other) => `finch ${other}`);
  const call = ['finch', path, flags.length > 0 ? '[flags]' : '', usage].filter(Boolean).join(' ');
  return sections([
    [summary, about].filter(Boolean).join('. ').replace(/\.$/, ''),
    `Usage:\n  ${call}`,
    others.length > 0 ? `Also:\n  ${others.join('\n  ')}` : '',
    `Flags:\n${twoColumns([...flags, ...commonFlags].map(flagLine))}`,
    `Examples:\n${examples.map(({ line, what }) => `  # ${what}\n  ${line}`).join('\n\n')}`,
  ]);
}

function flagLine({ name, short, value, summary }: Flag): readonly [string, string] {
  const names = `${short === undefined ? '    ' : `-${short}, `}--${name}`;
  return [value === undefined ? names : `${names} ${value}`, summary];
}

function twoColumns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}   ${right}`).join('\n');
}

function sections(parts: readonly string[]): string {
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}
