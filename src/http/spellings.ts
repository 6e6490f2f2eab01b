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
  /(?<percent>(?:%[\da-f]{2})+)|\\(?:u(?<utf16>[\da-f]{4})|x(?<latin>[\da-f]{2})|(?<short>[\s\S]))|&(?:#x(?<hex>[\da-f]{1,6})|#(?<decimal>\d{1,7})|(?<name>amp|lt|gt|quot|apos));|[\s\S]/gi;

const NAMED: Readonly<Record<string, string>> = {
  ...{ amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" },
  ...{ n: ' ', r: ' ', t: ' ', b: ' ', f: ' ', v: ' ', a: ' ' },
};

/** What a text may lose or change on its way to a message. */
const BLANK = /[\p{Cc}\p{Z}+-]/u;
const DIRECTION = /\p{Cf}/u;

/**
 * Where `text` holds one of the needles in any spelling: plain, percent-encoded once or twice, with `+` for a
 * space, as part of JSON or HTML, in the other base64 alphabet, with its control characters made spaces.
 * Also the beginning of a needle (4 characters) right before the `…` of a text that was cut.
 * @param needles in the form that {@link plainly} gives
 */
export function findSpellings(text: string, needles: Iterable<string>): readonly Span[] {
  const forms = [folded(charactersOf(text)), folded(unescaped(text))];
  const found: Span[] = [];
  for (const needle of needles) {
    for (const form of forms) {
      for (const { start, end } of occurrences(form.text, needle)) {
        const [first, last] = [form.spans[start], form.spans[end - 1]];
        if (first && last) found.push({ start: first.start, end: last.end });
      }
    }
  }
  return found;
}

/** The forms in which {@link findSpellings} takes what it looks for: as it is, and with its escapes taken off. */
export function plainly(text: string): readonly string[] {
  const forms = [folded(charactersOf(text)).text, folded(unescaped(text)).text];
  // Blanks at the ends of a text do not survive on its way to a message.
  return forms.flatMap((form) => [form, form.trim()]);
}

function* occurrences(text: string, needle: string): Generator<Span> {
  for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + needle.length)) {
    yield { start: at, end: at + needle.length };
  }
  let at = text.length;
  for (let cut = 0; cut < MAX_CUTS && at > 0; cut++) {
    at = text.lastIndexOf('…', at - 1);
    for (let length = Math.min(needle.length - 1, at); length >= 4; length--) {
      if (text.endsWith(needle.slice(0, length), at)) yield { start: at - length, end: at };
    }
  }
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
  for (const match of text.matchAll(ESCAPE)) {
    const [first, last] = [spans[match.index], spans[match.index + match[0].length - 1]];
    const meaning = meaningOf(match);
    result += meaning;
    if (first === undefined || last === undefined) continue;
    for (let i = 0; i < meaning.length; i++) found.push({ start: first.start, end: last.end });
  }
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

/** Runs of blanks as one space, and what cannot be seen left out; `-` and `_` as base64 writes them else. */
function folded({ text, spans }: Plain): Plain {
  let result = '';
  const found: Span[] = [];
  for (const [i, span] of spans.entries()) {
    const unit = text[i] ?? '';
    if (DIRECTION.test(unit)) continue;
    const isBlank = BLANK.test(unit);
    if (isBlank && result.endsWith(' ')) continue;
    result += isBlank ? ' ' : unit === '_' ? '/' : unit;
    found.push(span);
  }
  return { text: result, spans: found };
}
