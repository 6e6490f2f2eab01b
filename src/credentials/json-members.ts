/** One member of an object in a JSON text. Positions count from the start of the text. */
interface Member {
  readonly key: string;
  /** Where the key begins, behind the white space in {@link Member.lead}. */
  readonly start: number;
  /** The white space between the brace or comma and the key. */
  readonly lead: string;
  /** The colon, with the white space around it. */
  readonly colon: string;
  /** Where the value begins. */
  readonly value: number;
  /** Behind the value. */
  readonly end: number;
}

/** An object in a JSON text. */
export interface ObjectText {
  /** Where the opening brace is. */
  readonly start: number;
  /** Behind the closing brace. */
  readonly end: number;
  /** In the order of the text; a key that is there twice is here twice. */
  readonly members: readonly Member[];
}

const SPACE = /[ \t\r\n\ufeff]*/y;
/** What stands between strings: brackets, and other values. */
const PART = /[ \t\r\n,:]*(?:(")|([{[])|([}\]])|[^ \t\r\n",:{}[\]]+)/y;

/**
 * Where the object that begins at `start` has its members; undefined when something else is there.
 * White space, and a byte order mark, may come first.
 * @param text JSON that a parser has accepted
 * @throws SyntaxError when it is none after all
 */
export function objectAt(text: string, start: number): ObjectText | undefined {
  const open = past(SPACE, text, start);
  if (text[open] !== '{') return undefined;
  const members: Member[] = [];
  for (let from = open + 1; ; ) {
    const at = past(SPACE, text, from);
    if (text[at] === '}') return { start: open, end: at + 1, members };
    const keyEnd = pastString(text, at);
    const value = past(SPACE, text, past(SPACE, text, keyEnd) + 1);
    const end = pastValue(text, value);
    members.push({
      key: String(JSON.parse(text.slice(at, keyEnd))),
      start: at,
      lead: text.slice(from, at),
      colon: text.slice(keyEnd, value),
      ...{ value, end },
    });
    const comma = past(SPACE, text, end);
    from = text[comma] === ',' ? comma + 1 : comma;
  }
}

/** Not by recursion, so that no depth is too much. */
function pastValue(text: string, start: number): number {
  let at = start;
  let depth = 0;
  do {
    PART.lastIndex = at;
    const match = PART.exec(text);
    if (match === null) throw new SyntaxError(`no JSON value at ${at}`);
    at = match[1] === undefined ? PART.lastIndex : pastString(text, PART.lastIndex - 1);
    if (match[2] !== undefined) depth++;
    if (match[3] !== undefined) depth--;
  } while (depth > 0);
  return at;
}

/** Behind the string that begins at `start`. A pattern would take seconds for one with many escapes. */
function pastString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text[end - 1 - escapes] === '\\') escapes++;
    if (escapes % 2 === 0) return end + 1;
  }
  throw new SyntaxError(`no JSON string at ${start}`);
}

function past(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  if (pattern.exec(text) === null) throw new SyntaxError(`no JSON at ${at}`);
  return pattern.lastIndex;
}
