import { Lexer } from 'yaml';

/** From where to where something stands in a text. */
export type Span = readonly [start: number, end: number];

/** What the lexer says of the text, without being part of it: where a document, a scalar and an error begin. */
const MARKS: ReadonlySet<string> = new Set(['\u0002', '\u0018', '\u001f']);

/** Where the comments of a YAML text are, each with its `#`, up to the end of the line. */
export function commentsIn(source: string): readonly Span[] {
  const spans: Span[] = [];
  let at = 0;
  let isScalarNext = false;
  for (const lexeme of new Lexer().lex(source)) {
    if (!MARKS.has(lexeme)) {
      if (lexeme.startsWith('#') && !isScalarNext) spans.push([at, at + lexeme.length]);
      at += lexeme.length;
    }
    isScalarNext = lexeme === '\u001f';
  }
  return spans;
}
