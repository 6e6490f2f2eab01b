import { printable } from '../text.ts';
import { redactText } from './redact.ts';

/** Text of a server as a message may show it: printable, without secrets, at most `limit` characters long. */
export function cleanText(text: string, { limit = 500 }: { limit?: number } = {}): string {
  // A terminal sequence loses its introducer here, and the rest of it is harmless letters.
  const line = redactText(printable(text.slice(0, limit * 4)).replace(/ {2,}/g, ' '));
  return line.length > limit ? `${line.slice(0, limit)}…` : line;
}
