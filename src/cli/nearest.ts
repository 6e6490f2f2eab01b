import { FinchError } from '../errors.ts';
import { nearest, quote } from '../text.ts';

/** The error for a word, or two, that is no command, with the nearest of those that there are. */
export function unknownCommand(word: string, known: readonly string[]): FinchError {
  const near = nearest(word, known);
  const shown = quote(word);
  return new FinchError('USAGE', `unknown command ${shown} for "finch"`, {
    hint: near === undefined ? 'list the commands with: finch --help' : `did you mean "${near}"?`,
  });
}
