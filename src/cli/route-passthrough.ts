import { commands } from '../commands/index.ts';
import { type NerdctlCommand, nerdctlCommandOf } from '../engine/nerdctl-commands.ts';

/** A command line that is nerdctl's. */
export interface Passthrough {
  readonly command: NerdctlCommand;
  /** Its words, from the first that names the command, as they were written. */
  readonly words: readonly string[];
  /** What stands before them, for finch. */
  readonly before: readonly string[];
}

/**
 * What of a command line is for nerdctl; undefined when it is for finch itself. finch's own `--debug` may stand
 * before the command; behind it everything is nerdctl's.
 */
export function routePassthrough(argv: readonly string[]): Passthrough | undefined {
  const start = argv.findIndex((word) => word !== '--debug');
  const before = argv.slice(0, start === -1 ? argv.length : start);
  const written = argv.slice(before.length);
  const words =
    written[0] === 'help' && written.length > 1 ? [...written.slice(1), '--help'] : written;
  const command = nerdctlCommandOf(words);
  if (command === undefined || isOwn(words)) return undefined;
  return { command, words, before };
}

/** Whether finch has a command of its own that the words begin with. */
function isOwn([first, second]: readonly string[]): boolean {
  return commands.some(({ paths }) =>
    paths.some((path) => path === first || path === `${first} ${second}`),
  );
}
