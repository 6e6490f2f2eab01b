/** What nobody sees: characters that show nothing, and those that change the direction of text. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/gu;

/** Control characters (C0, DEL, C1) and the separators of lines and paragraphs. */
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]+/gu;

/** The most characters of foreign text that a message quotes. */
const MAX_QUOTED = 200;

/**
 * Text that may have come from anywhere, safe on a terminal and in one line: a run of control
 * characters, line feeds among them, becomes one space, and what shows nothing, or turns the direction of text, is left out.
 */
export function printable(text: string): string {
  return text.replace(INVISIBLE, '').replace(CONTROL, ' ').trim();
}

/** Foreign text as a part of a message: {@link printable}, and not endless. */
export function excerpt(text: string): string {
  return printable(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text);
}

/** Foreign text in quotes, for a message: {@link printable}, and not endless. */
export function quote(text: string): string {
  const short = text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text;
  return printable(JSON.stringify(short));
}
