import { quote } from '../text.ts';

/** Levels of objects and lists. Documents of images have fewer than ten. */
const MAX_DEPTH = 100;

/** An object that is being read: its keys so far. A list has none. */
interface Level {
  readonly keys: Set<string> | undefined;
  /** Whether the next string is a key. */
  atKey: boolean;
}

/**
 * What in the JSON `text` two programs might read in two ways, or cannot read at all: a key that its
 * object has twice, nesting deeper than 100 levels, or more values than `maxValues`, each of which may
 * cost far more time and memory than its text. One pass. Whether the rest is JSON is for the parser to say.
 * @returns the end of a sentence about the document; undefined when there is nothing wrong
 */
export function strictJsonFault(text: string, maxValues: number): string | undefined {
  const levels: Level[] = [];
  let values = 1;
  for (let at = 0; at < text.length; at++) {
    const level = levels.at(-1);
    switch (text[at]) {
      case '{':
        levels.push({ keys: new Set(), atKey: true });
        values++;
        break;
      case '[':
        levels.push({ keys: undefined, atKey: false });
        values++;
        break;
      case '}':
      case ']':
        levels.pop();
        break;
      case ',':
        if (level?.keys !== undefined) level.atKey = true;
        values++;
        break;
      case '"': {
        const end = endOfString(text, at);
        if (level?.keys !== undefined && level.atKey) {
          level.atKey = false;
          const key = keyIn(text.slice(at, end));
          if (level.keys.has(key)) return `has the member ${quote(key)} twice`;
          level.keys.add(key);
        }
        at = end - 1;
        break;
      }
    }
    if (levels.length > MAX_DEPTH) return `is nested deeper than ${MAX_DEPTH} levels`;
    if (values > maxValues) return `has more than ${maxValues} values`;
  }
  return undefined;
}

/** Where the string that begins at `start` ends, behind its quotation mark; the end of the text when it has none. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const character = text[at];
    if (character === '"') return at + 1;
    if (character === '\\') at++;
  }
  return text.length;
}

/** The key that a literal means: `"\u0061"` is `a`. */
function keyIn(literal: string): string {
  if (!literal.includes('\\')) return literal.slice(1, -1);
  try {
    return String(JSON.parse(literal));
  } catch {
    // No string at all; the parser says so.
    return literal;
  }
}
