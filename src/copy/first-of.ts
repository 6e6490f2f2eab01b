import type { ContentReader } from '../content.ts';
import { hasCode } from '../errors.ts';

/** Reads from the first of several places that has what is wanted. With one place, that place itself. */
export function firstOf(places: readonly ContentReader[]): ContentReader {
  const [first, ...others] = new Set(places);
  if (first === undefined) throw new Error('there is no place to read from');
  if (others.length === 0) return first;
  const rest = firstOf(others);
  return {
    has: async (descriptor, options) =>
      (await first.has(descriptor, options)) || rest.has(descriptor, options),
    async open(descriptor, options) {
      try {
        return await first.open(descriptor, options);
      } catch (error) {
        if (!hasCode(error, 'CONTENT_MISSING')) throw error;
        return rest.open(descriptor, options);
      }
    },
  };
}
