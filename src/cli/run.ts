import type { App } from '../app.ts';
import type { Result } from '../commands/command.ts';
import { type CommandEntry, commands } from '../commands/index.ts';
import { nerdctlCommands } from '../engine/nerdctl-commands.ts';
import { FinchError } from '../errors.ts';
import { excerpt } from '../text.ts';
import { version } from '../version.ts';

/** The commands that users are told of. */
const shown = commands.filter(({ isHidden }) => !isHidden);

/** What a command line calls: a command and the words behind its name. */
interface Called {
  readonly entry: CommandEntry;
  readonly path: string;
  readonly argv: readonly string[];
}

/**
 * Does what the command line says.
 * @returns what goes to stdout
 * @throws FinchError `USAGE` and all that commands throw
 */
export async function runCommandLine(
  argv: readonly string[],
  { app, signal }: { app: App; signal: AbortSignal },
): Promise<string> {
  const words = withoutLeadingDebug(argv);
  const [first = '--help', second] = words;
  if (first === '--version' || first === '-v') return `finch version v${version}\n`;
  if (first === '--help' || first === '-h' || (first === 'help' && second === undefined)) {
    return helpOf('');
  }
  if (first === 'help') return runCommandLine([...words.slice(1), '--help'], { app, signal });
  const called = route(words);
  if (called === undefined) {
    const group = groupOf(words);
    const next = words[group.length];
    const isHelp = next === undefined || next === '--help' || next === '-h';
    if (group.length > 0 && isHelp) return helpOf(group.join(' '));
    if (next?.startsWith('-')) {
      throw new FinchError('USAGE', `unknown flag: ${excerpt(next)}`, {
        hint: `see ${['finch', ...group].join(' ')} --help`,
      });
    }
    const { unknownCommand } = await import('./nearest.ts');
    throw unknownCommand([...group, next].join(' '), knownWords(group.length > 0));
  }
  app.talk.trace(`finch ${version}: ${called.path}`);
  const { command } = await called.entry.load();
  const { parseArguments } = await import('./arguments.ts');
  const invocation = parseArguments(called.path, command, { argv: called.argv, signal });
  const result: Result = invocation.on('help')
    ? { kind: 'help' }
    : await command.run(app, invocation);
  if (result.kind !== 'help') return render(result, app);
  const { commandHelp } = await import('./help.ts');
  return commandHelp(called.path, called.entry, command);
}

/** `--debug` may also stand before and between the words of the command; behind them it is a flag like others. */
function withoutLeadingDebug(argv: readonly string[]): readonly string[] {
  const words: string[] = [];
  for (const [i, word] of argv.entries()) {
    if (words.length === 2) return [...words, ...argv.slice(i)];
    if (word !== '--debug') words.push(word);
  }
  return words;
}

async function helpOf(group: string): Promise<string> {
  const { groupHelp } = await import('./help.ts');
  return groupHelp(group);
}

/** The words before the last of a command, as `image` and `vm disk` are, with which the line begins. */
function groupOf(words: readonly string[]): readonly string[] {
  for (const length of [2, 1]) {
    const group = words.slice(0, length);
    const begin = `${group.join(' ')} `;
    const isGroup = shown.some(({ paths }) => paths.some((path) => path.startsWith(begin)));
    if (group.length === length && isGroup) return group;
  }
  return [];
}

/** What a mistyped command may have meant: with `inGroup` also the commands of more than one word. */
function knownWords(inGroup: boolean): readonly string[] {
  const paths = [
    ...shown.flatMap((entry) => entry.paths),
    ...nerdctlCommands.map(({ path }) => path),
  ];
  return inGroup ? paths : [...new Set(paths.map((path) => path.split(' ')[0] ?? ''))];
}

/** The command whose words the line begins with; of several the longest. */
function route(words: readonly string[]): Called | undefined {
  for (const length of [3, 2, 1]) {
    const path = words.slice(0, length).join(' ');
    const entry = commands.find(({ paths }) => paths.includes(path));
    if (entry !== undefined) return { entry, path, argv: words.slice(length) };
  }
  return undefined;
}

async function render(
  result: Exclude<Result, { readonly kind: 'help' }>,
  app: App,
): Promise<string> {
  const { host } = app;
  switch (result.kind) {
    case 'lines':
      return joined(result.lines);
    case 'value': {
      if (result.format === undefined) return joined(result.lines);
      const { formatValue } = await import('./format-value.ts');
      return formatValue(result.value, result.format);
    }
    case 'rows': {
      const { formatRows } = await import('./rows.ts');
      const { rows, headers, format } = result;
      return formatRows(rows, { headers, columns: Object.keys(headers), format: format?.trim() });
    }
    case 'images': {
      const { formatImages } = await import('./image-table.ts');
      return formatImages(result.rows, { ...result.view, now: host.now() });
    }
    case 'logins': {
      const { formatLogins } = await import('./login-table.ts');
      return formatLogins(result.rows, { format: result.format, now: host.now() });
    }
    case 'faulty':
      app.host.stdout.write(await render(result.shown, app));
      throw result.fault;
    case 'completion': {
      const { completionScript } = await import('./completion.ts');
      return joined(completionScript(result.shell));
    }
    default:
      return result satisfies never;
  }
}

function joined(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}
