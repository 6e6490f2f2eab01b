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

/** Mistakes that still make one word of another: two, but never most of the letters. */
function tolerance(word: string): number {
  return Math.min(2, Math.floor(word.length / 2));
}

/**
 * The known word that was most likely meant: few letters away, or the only one that begins with what
 * was typed. The first of several that are as near.
 * @returns undefined when none is near
 */
export function nearest(word: string, known: readonly string[]): string | undefined {
  // Longer input is no slip of the finger and not worth the comparison.
  if (word.length > 64) return undefined;
  const typed = word.toLowerCase();
  let best: string | undefined;
  let bestDistance = tolerance(typed) + 1;
  for (const candidate of known) {
    const distance = editDistance(typed, candidate);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  if (best !== undefined || typed.length < 2) return best;
  const longer = known.filter((candidate) => candidate.startsWith(typed));
  return longer.length === 1 ? longer[0] : undefined;
}

/** Letters to insert, delete, replace or swap with their neighbour to make one word of the other. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let least = Math.min(at(last, j) + 1, at(row, j - 1) + 1, replaced);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, at(beforeLast, j - 2) + 1);
      }
      row.push(least);
    }
    beforeLast = last;
    last = row;
  }
  return at(last, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? 0;
}

/** A command line that a shell takes for these words. */
export function shellLine(words: readonly string[]): string {
  const quoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;
  return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : quoted(word))).join(' ');
}
