import { FinchError } from '../errors.ts';
import { excerpt } from '../text.ts';
import { type Command, type CompletedShell, completedShells } from './command.ts';

/** `finch completion`. */
export const command: Command = {
  usage: 'bash|fish|zsh',
  arity: { min: 1, max: 1 },
  about:
    'Writes a script by which the shell completes the words of commands, for: source <(finch completion bash)',
  flags: [],
  examples: [
    { line: 'finch completion bash', what: 'the script for bash' },
    {
      line: 'finch completion fish',
      what: 'the script for fish, for: finch completion fish | source',
    },
  ],
  async run(_, { args: [given = ''] }) {
    const shell = completedShells.find((name): name is CompletedShell => name === given);
    if (shell !== undefined) return { kind: 'completion', shell };
    throw new FinchError('USAGE', `no completion for ${excerpt(given)}`, {
      hint: `give one of: ${completedShells.join(', ')}`,
    });
  },
};
