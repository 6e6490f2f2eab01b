import { FinchError } from '../../errors.ts';
import { printable } from '../../text.ts';

/** The most characters of a message: parts of a template stand in it, and a template has any length. */
const MAX_MESSAGE = 300;

/** The error about a template, of which any part may stand in `message`. */
export function invalidTemplate(message: string, hint?: string): FinchError {
  const shown = message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)}…` : message;
  const options = hint === undefined ? {} : { hint };
  return new FinchError('TEMPLATE_INVALID', `invalid template: ${printable(shown)}`, options);
}

/** An error about a part of a template; `source` is the part. */
export function templateError(message: string, source: string, hint?: string): FinchError {
  const shown = source.length > 80 ? `${source.slice(0, 80)}…` : source;
  return invalidTemplate(`${message} in ${shown}`, hint);
}
