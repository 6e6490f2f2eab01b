import { FinchError } from '../../errors.ts';
import type { Failure } from './failure.ts';

const repeated = new WeakSet<Error>();

/** The error that a failure of before ends with once more. */
export function repeatedError({ code, message, hint }: Failure): FinchError {
  const error = new FinchError(code, message, hint === undefined ? {} : { hint });
  repeated.add(error);
  return error;
}

/**
 * Whether an error, or what it comes from, is one that another call, maybe of another process, ended with a
 * moment ago: the user has read it.
 */
export function isRepeated(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return repeated.has(error) || isRepeated(error.cause);
}
