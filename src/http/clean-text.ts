import { printable } from '../text.ts';
import { redactText } from './redact.ts';

/** Text of a server as a message may show it: printable, without secrets, at most `limit` characters long. */
export function cleanText(text: string, { limit = 500 }: { limit?: number } = {}): string {
  // A terminal sequence loses its introducer here, and the rest of it is harmless letters. Nothing is cut
  // before secrets are out: half of one would not be known again.
  const line = redactText(printable(text).replace(/ {2,}/g, ' '));
  return line.length > limit ? `${line.slice(0, limit)}…` : line;
}
