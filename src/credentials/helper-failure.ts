import { isRepeated } from '../aws/tokens/repeated.ts';
import { type FinchError, hasCode } from '../errors.ts';
import { NOT_FOUND } from './helper-protocol.ts';

/** What a credential helper says when it fails. */
export interface HelperFailure {
  /** In the words of the protocol, by which callers tell that there is no login. */
  readonly line: string;
  /** For people: lines on stderr. */
  readonly advice?: readonly string[];
}

/**
 * What finch's own credential helper says of an error.
 * @param reports the lines about what could not be asked
 */
export function explainFailure(error: FinchError, reports: readonly string[]): HelperFailure {
  const { code, message, hint } = error;
  const advice = [...reports, ...(hint === undefined ? [] : [`hint: ${hint}`])];
  if (code === 'LOGIN_NOT_FOUND') return { line: NOT_FOUND, advice: reports };
  // Callers go on as nobody where nothing is found, and ask several times.
  if (isRepeated(error)) return { line: NOT_FOUND };
  if (hasCode(error, 'AWS', 'AWS_IDENTITY'))
    return { line: NOT_FOUND, advice: [message, ...advice] };
  return { line: message, advice };
}
