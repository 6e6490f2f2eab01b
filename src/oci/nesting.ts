import type { Descriptor } from './descriptor.ts';
import { invalidDocument } from './json.ts';

/** Indexes that lie in one another. Builders make one in one, at most. */
const MOST_LEVELS = 32;

/**
 * The number of one more level of indexes, for a walk that goes through nested ones: from the root,
 * which is at level 0, down to members, or up to the root.
 * @param index the index that the walk goes through, for the message
 * @throws FinchError `DOCUMENT_INVALID` at more than 32 levels
 */
export function nextLevel(level: number, { digest }: Pick<Descriptor, 'digest'>): number {
  if (level < MOST_LEVELS) return level + 1;
  throw invalidDocument(
    `more than ${MOST_LEVELS} indexes lie in one another, ${digest} among them`,
    { hint: 'it is no image that anything could run; ask who made it' },
  );
}
