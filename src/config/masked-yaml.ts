import { isMap, isNode, isScalar, Lexer, type YAMLMap } from 'yaml';
import { parseYaml } from './parse-yaml.ts';
import { endOf } from './yaml-layout.ts';

/** From where to where something stands in a text. */
type Span = readonly [start: number, end: number];

/** What the lexer says of the text, without being part of it: where a document, a scalar and an error begin. */
const MARKS: ReadonlySet<string> = new Set(['\u0002', '\u0018', '\u001f']);

/**
 * A YAML text with `…` for its comments, and for the values of all its uppermost keys but those that may be
 * shown: of the others nobody knows what is secret.
 * @param text what was read as YAML before
 */
export function maskedYaml(text: string, { shown }: { readonly shown: readonly string[] }): string {
  const { document, source } = parseYaml(text, '');
  const root = document.contents;
  const values = isMap(root) ? hiddenValues(root, { source, shown }) : [];
  const hidden = [...values, ...comments(source)].sort(([a], [b]) => a - b);
  let masked = '';
  let at = 0;
  for (const [start, end] of hidden) {
    // Some comments are within a value.
    if (start < at) continue;
    masked += `${source.slice(at, start)}…`;
    at = end;
  }
  return masked + source.slice(at);
}

function hiddenValues(
  { items }: YAMLMap,
  { source, shown }: { readonly source: string; readonly shown: readonly string[] },
): readonly Span[] {
  return items.flatMap(({ key, value }): Span[] => {
    if (isScalar(key) && shown.includes(String(key.value))) return [];
    const [start = 0] = (isNode(value) && value.range) || [];
    // A block of text ends behind its last line end.
    const end = start + source.slice(start, endOf(value)).trimEnd().length;
    return end <= start ? [] : [[start, end]];
  });
}

/** What is noted down in a text, each behind its `#`. */
function comments(source: string): readonly Span[] {
  const spans: Span[] = [];
  let at = 0;
  let isScalarNext = false;
  for (const lexeme of new Lexer().lex(source)) {
    if (!MARKS.has(lexeme)) {
      const isComment = lexeme.startsWith('#') && !isScalarNext;
      if (isComment && lexeme.length > 1) spans.push([at + 1, at + lexeme.length]);
      at += lexeme.length;
    }
    isScalarNext = lexeme === '\u001f';
  }
  return spans;
}
