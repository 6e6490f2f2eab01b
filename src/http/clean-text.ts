import { redactText } from './redact.ts';

// Control characters (C0, DEL, C1), line and paragraph separators, and what changes the writing direction.
const UNSAFE = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu;

/**
 * Text of a server as a message may show it: on one line, without control characters and secrets, at
 * most `limit` characters long.
 */
export function cleanText(text: string, { limit = 500 }: { limit?: number } = {}): string {
  const short = text.slice(0, limit * 4);
  // A terminal sequence loses its introducer here, and the rest of it is harmless letters.
  const line = redactText(short.replace(UNSAFE, ' ').replace(/ {2,}/g, ' ').trim());
  return line.length > limit ? `${line.slice(0, limit)}…` : line;
}
