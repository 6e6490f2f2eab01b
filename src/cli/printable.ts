/**
 * Text that may have come from anywhere, safe on a terminal and in one line: a run of control
 * characters, line feeds among them, becomes one space, and what turns the direction of text is left out.
 */
export function printable(text: string): string {
  return text
    .replace(/[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '')
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim();
}
