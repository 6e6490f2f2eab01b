/** A run of a text: the indices of its first unit and of the one behind its last. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A text with what was written in disguise made plain, and where each character of it stood. */
interface Plain {
  readonly text: string;
  readonly spans: readonly Span[];
}

/** Escapes are taken off this often: JSON in a query in JSON is three. */
const MAX_ROUNDS = 3;

/** So many ends of cut texts are looked at, from the last one: a message quotes no more. */
const MAX_CUTS = 4;

/** Percent-encoded bytes; escapes of JSON, Go and C; character references of HTML. */
const ESCAPE =
  /(?<percent>(?:%[\da-f]{2})+)|\\(?:u(?<utf16>[\da-f]{4})|x(?<latin>[\da-f]{2})|(?<short>[\s\S]))|&(?:#x(?<hex>[\da-f]{1,6})|#(?<decimal>\d{1,7})|(?<name>amp|lt|gt|quot|apos));/gi;

const NOWHERE: Span = { start: 0, end: 0 };

const NAMED: Readonly<Record<string, string>> = {
  ...{ amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" },
  ...{ n: ' ', r: ' ', t: ' ', b: ' ', f: ' ', v: ' ', a: ' ' },
};

/** What a text may lose or change on its way to a message. */
const BLANK = /[\p{Cc}\p{Z}+-]/u;
const INVISIBLE = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/u;
const ALL_BLANKS = new RegExp(`${BLANK.source}+`, 'gu');
const ALL_INVISIBLE = new RegExp(INVISIBLE.source, 'gu');

/**
 * Where `text` holds one of the needles in any spelling: plain, in small or capital letters, percent-encoded
 * once or twice, with `+` for a space, as part of JSON or HTML, in the other base64 alphabet, with its control
 * characters made spaces. Also the beginning of a needle (4 characters) right before the `…` of a text that
 * was cut.
 * @param needles in the form that {@link plainly} gives, sorted
 */
export function findSpellings(text: string, needles: readonly string[]): readonly Span[] {
  const forms = [folded(charactersOf(text)), folded(unescaped(text))];
  const found: Span[] = [];
  for (const form of forms) {
    for (const { start, end } of [
      ...occurrences(form.text, needles),
      ...cuts(form.text, needles),
    ]) {
      const [first, last] = [form.spans[start], form.spans[end - 1]];
      if (first && last) found.push({ start: first.start, end: last.end });
    }
  }
  return found;
}

/** The forms in which {@link findSpellings} takes what it looks for: as it is, and with its escapes taken off. */
export function plainly(text: string): readonly string[] {
  const forms = text.search(ESCAPE) < 0 ? [text] : [text, unescaped(text).text];
  // Blanks at the ends of a text do not survive on its way to a message.
  return forms.map(foldedText).flatMap((form) => [form, form.trim()]);
}

function* occurrences(text: string, needles: readonly string[]): Generator<Span> {
  for (const needle of needles) {
    for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + needle.length)) {
      yield { start: at, end: at + needle.length };
    }
  }
}

function* cuts(text: string, needles: readonly string[]): Generator<Span> {
  const longest = needles.reduce((most, { length }) => Math.max(most, length), 0);
  let at = text.length;
  for (let cut = 0; cut < MAX_CUTS && at > 0; cut++) {
    at = text.lastIndexOf('…', at - 1);
    for (let start = Math.max(0, at - longest); start <= at - 4; start++) {
      if (!isBeginning(text.slice(start, at), needles)) continue;
      yield { start, end: at };
      break;
    }
  }
}

/** Whether one of the needles, which are sorted, begins with `text`. */
function isBeginning(text: string, needles: readonly string[]): boolean {
  let [low, high] = [0, needles.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((needles[middle] ?? '') < text) low = middle + 1;
    else high = middle;
  }
  return needles[low]?.startsWith(text) ?? false;
}

function charactersOf(text: string): Plain {
  return { text, spans: Array.from({ length: text.length }, (_, i) => ({ start: i, end: i + 1 })) };
}

function unescaped(text: string): Plain {
  let plain = charactersOf(text);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const next = withoutEscapes(plain);
    if (next.text === plain.text) return next;
    plain = next;
  }
  return plain;
}

function withoutEscapes({ text, spans }: Plain): Plain {
  let result = '';
  const found: Span[] = [];
  let done = 0;
  const copy = (end: number) => {
    result += text.slice(done, end);
    for (; done < end; done++) found.push(spans[done] ?? NOWHERE);
  };
  for (const match of text.matchAll(ESCAPE)) {
    copy(match.index);
    done += match[0].length;
    const span = {
      start: spans[match.index]?.start ?? 0,
      end: spans[done - 1]?.end ?? 0,
    };
    const meaning = meaningOf(match);
    result += meaning;
    for (let i = 0; i < meaning.length; i++) found.push(span);
  }
  copy(text.length);
  return { text: result, spans: found };
}

function meaningOf({ 0: written, groups = {} }: RegExpMatchArray): string {
  const { percent, utf16, latin, short, hex, decimal, name } = groups;
  if (percent !== undefined) {
    return new TextDecoder().decode(Uint8Array.fromHex(percent.replaceAll('%', '')));
  }
  const unit = utf16 ?? latin;
  if (unit !== undefined) return String.fromCharCode(Number.parseInt(unit, 16));
  if (short !== undefined) return NAMED[short] ?? short;
  const point = hex === undefined ? Number(decimal ?? Number.NaN) : Number.parseInt(hex, 16);
  if (point <= 0x10ffff) return String.fromCodePoint(point);
  return (name === undefined ? undefined : NAMED[name.toLowerCase()]) ?? written;
}

/**
 * Runs of blanks as one space, what cannot be seen left out, small letters for capital ones, and `-` and `_` as
 * base64 writes them else.
 */
function folded({ text, spans }: Plain): Plain {
  let result = '';
  const found: Span[] = [];
  let at = 0;
  for (const character of text) {
    const start = at;
    at += character.length;
    const isPlain = /^[a-z\d/]$/.test(character);
    if (!isPlain && INVISIBLE.test(character)) continue;
    const isBlank = !isPlain && BLANK.test(character);
    if (isBlank && result.endsWith(' ')) continue;
    result += isPlain ? character : isBlank ? ' ' : smaller(character);
    for (let i = start; i < at; i++) found.push(spans[i] ?? NOWHERE);
  }
  return { text: result, spans: found };
}

/** The text of what {@link folded} gives. */
function foldedText(text: string): string {
  return text
    .replace(ALL_INVISIBLE, '')
    .replace(ALL_BLANKS, ' ')
    .replace(/[^a-z\d/ ]/gu, smaller);
}

function smaller(character: string): string {
  if (character === '_') return '/';
  const small = character.toLowerCase();
  return small.length === character.length ? small : character;
}
