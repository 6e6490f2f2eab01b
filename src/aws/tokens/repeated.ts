import { FinchError } from '../../errors.ts';
import { passing } from '../identity-errors.ts';
import type { Failure } from './failure.ts';

const repeated = new WeakSet<Error>();

/** What is told of a failure in which another attempt, maybe of another process, has just ended. */
export function repeatedError({ code, isPassing }: Failure, host: string): FinchError {
  const message = `there is no token for ${host}: another finch has just asked for one, and failed`;
  const error = new FinchError(code, message, {
    hint: 'see what that one said, and try again',
  });
  return asRepeated(isPassing ? passing(error) : error);
}

/** Marks an error of which {@link isRepeated} holds, and gives it back. */
export function asRepeated(error: FinchError): FinchError {
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
