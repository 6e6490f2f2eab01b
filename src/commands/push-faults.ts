import { FinchError } from '../errors.ts';
import type { ItemOutcome } from './push-outcomes.ts';

/** Names that stand before one message. */
const MOST_NAMES = 3;

/**
 * What the user is told of names that could not be pushed; undefined when all could. Of a push of one name that is what
 * went wrong; of several each fault, once, with the names that it is about.
 */
export function faultOf(outcomes: readonly ItemOutcome[]): Error | undefined {
  const failed = outcomes.filter(({ error }) => error !== undefined);
  const [first] = failed;
  if (first === undefined) return undefined;
  if (outcomes.length === 1) return asError(first.error);
  // The registry may have said the same of several.
  const said = ({ error }: ItemOutcome) =>
    error instanceof FinchError ? `${error.code} ${error.message}` : error;
  const faults = Array.from(Map.groupBy(failed, said).values(), (same) =>
    named(
      same[0]?.error,
      same.map(({ item }) => item.name),
    ),
  );
  const [only] = faults;
  return faults.length === 1 && only !== undefined ? only : new AggregateError(faults);
}

function named(error: unknown, names: readonly string[]): Error {
  if (!(error instanceof FinchError)) return asError(error);
  const { code, message, hint } = error;
  const more = names.length - MOST_NAMES;
  const shown = names.slice(0, MOST_NAMES).join(', ') + (more > 0 ? ` and ${more} more` : '');
  return new FinchError(code, `${shown}: ${message}`, {
    ...(hint !== undefined && { hint }),
    cause: error,
  });
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
