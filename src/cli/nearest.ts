import { FinchError } from '../errors.ts';
import { quote } from '../text.ts';

/** Mistakes that still make one word of another: two, but never most of the letters. */
function tolerance(word: string): number {
  return Math.min(2, Math.floor(word.length / 2));
}

/**
 * The known word that was most likely meant: few letters away, or the only one that begins with what
 * was typed. The first of several that are as near.
 * @returns undefined when none is near
 */
export function nearest(word: string, known: readonly string[]): string | undefined {
  // A command is short: longer input is no slip of the finger and not worth the comparison.
  if (word.length > 64) return undefined;
  const typed = word.toLowerCase();
  let best: string | undefined;
  let bestDistance = tolerance(typed) + 1;
  for (const candidate of known) {
    const distance = editDistance(typed, candidate);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  if (best !== undefined || typed.length < 2) return best;
  const longer = known.filter((candidate) => candidate.startsWith(typed));
  return longer.length === 1 ? longer[0] : undefined;
}

/** The error for a word, or two, that is no command, with the nearest of those that there are. */
export function unknownCommand(word: string, known: readonly string[]): FinchError {
  const near = nearest(word, known);
  const shown = quote(word);
  return new FinchError('USAGE', `unknown command ${shown} for "finch"`, {
    hint: near === undefined ? 'list the commands with: finch --help' : `did you mean "${near}"?`,
  });
}

/** Letters to insert, delete, replace or swap with their neighbour to make one word of the other. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let least = Math.min(at(last, j) + 1, at(row, j - 1) + 1, replaced);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, at(beforeLast, j - 2) + 1);
      }
      row.push(least);
    }
    beforeLast = last;
    last = row;
  }
  return at(last, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? 0;
}
