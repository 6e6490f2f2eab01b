/** Unrolled, because the engine gives up where a long one needs a step back for each character. */
const STRING =
  /"[ !#-[\]-\u{10ffff}]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[ !#-[\]-\u{10ffff}]*)*"/u;
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/u;
const TOKEN = new RegExp(
  `[ \\t\\r\\n]*(?:([{}\\[\\]:,])|(${STRING.source})|${SCALAR.source})`,
  'uy',
);

/** What may come next. */
type Expected = 'value' | 'value or ]' | 'key' | 'key or }' | 'colon' | 'comma or end';

/** Where, and why, a text stops being JSON. */
export interface JsonFault {
  /** Counted from 1. */
  readonly line: number;
  /** Counted from 1, in characters. */
  readonly column: number;
  /** What should stand there, in words: `a comma or }`. */
  readonly expected: string;
}

/**
 * The place at which `text` stops being JSON; undefined when it is JSON. For the messages about files
 * that people edit by hand, because the runtime's parser does not say where.
 * https://www.rfc-editor.org/rfc/rfc8259
 */
export function findJsonFault(text: string): JsonFault | undefined {
  const open: ('{' | '[')[] = [];
  let expected: Expected = 'value';
  let at = 0;
  for (;;) {
    const isOver: boolean = expected === 'comma or end' && open.length === 0;
    // Not trim(), which takes more for white space than JSON does.
    if (isOver && /^[ \t\r\n]*$/.test(text.slice(at))) return undefined;
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    const next: Expected | undefined =
      match === null || isOver
        ? undefined
        : step(expected, { open, mark: match[1], isString: match[2] !== undefined });
    if (next === undefined) return { ...placeAt(text, at), expected: inWords(expected, open) };
    expected = next;
    at = TOKEN.lastIndex;
  }
}

function inWords(expected: Expected, open: readonly ('{' | '[')[]): string {
  switch (expected) {
    case 'value':
      return 'a value';
    case 'value or ]':
      return 'a value or ]';
    case 'key':
      return 'a key in double quotes';
    case 'key or }':
      return 'a key in double quotes or }';
    case 'colon':
      return 'a colon';
    case 'comma or end':
      if (open.length === 0) return 'nothing more';
      return open.at(-1) === '{' ? 'a comma or }' : 'a comma or ]';
    default:
      return expected satisfies never;
  }
}

/** What may come after a token, or undefined when it is out of place. Keeps `open` up to date. */
function step(
  expected: Expected,
  { open, mark, isString }: { open: ('{' | '[')[]; mark: string | undefined; isString: boolean },
): Expected | undefined {
  const inObject = open.at(-1) === '{';
  switch (expected) {
    case 'colon':
      return mark === ':' ? 'value' : undefined;
    case 'key':
    case 'key or }':
      if (isString) return 'colon';
      return mark === '}' && expected === 'key or }' ? close(open) : undefined;
    case 'comma or end':
      if (mark === ',') return inObject ? 'key' : 'value';
      return mark === (inObject ? '}' : ']') ? close(open) : undefined;
    case 'value':
    case 'value or ]':
      if (mark === undefined) return 'comma or end';
      if (mark === ']' && expected === 'value or ]') return close(open);
      if (mark !== '{' && mark !== '[') return undefined;
      open.push(mark);
      return mark === '{' ? 'key or }' : 'value or ]';
    default:
      return expected satisfies never;
  }
}

function close(open: ('{' | '[')[]): Expected {
  open.pop();
  return 'comma or end';
}

/** The place of the first character at or after `at` that is no white space, or else of the end of the text. */
function placeAt(text: string, at: number): { line: number; column: number } {
  const fault = at + (/^[ \t\r\n]*/.exec(text.slice(at))?.[0].length ?? 0);
  const before = text.slice(0, fault >= text.length ? text.trimEnd().length : fault);
  const lineStart = before.lastIndexOf('\n') + 1;
  return {
    line: before.split('\n').length,
    column: [...before.slice(lineStart)].length + 1,
  };
}
