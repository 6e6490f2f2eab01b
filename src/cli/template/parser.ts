import { MAX_DEPTH, type Pipe, parsePipe, TokenReader } from './expression.ts';
import { NOT_SUPPORTED, SUPPORTED } from './functions.ts';
import { type LexOptions, lexTemplate, type Piece } from './lexer.ts';
import { templateError } from './template-error.ts';

/** A part of a parsed template. */
export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'print'; readonly pipe: Pipe }
  | {
      readonly kind: 'if' | 'with' | 'range';
      readonly pipe: Pipe;
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    };

type Action = Extract<Piece, { kind: 'action' }>;
type Block = 'if' | 'with' | 'range';

/**
 * The parts of a template in the subset of Go's language that finch has.
 * https://pkg.go.dev/text/template@go1.26.0#hdr-Actions
 * @throws FinchError `TEMPLATE_INVALID`
 */
export function parseNodes(text: string, options: LexOptions = {}): readonly Node[] {
  const parser = new Parser(lexTemplate(text, options));
  const nodes = parser.list(0);
  const stray = parser.take();
  if (stray !== undefined) {
    throw templateError(`{{${word(stray)}}} without a block to it`, stray.source);
  }
  return nodes;
}

class Parser {
  readonly #pieces: readonly Piece[];
  readonly #scope: string[] = ['$'];
  #next = 0;

  constructor(pieces: readonly Piece[]) {
    this.#pieces = pieces;
  }

  /** The nodes up to an `else` or an `end`, which is left, or to the end of the template. */
  list(depth: number): readonly Node[] {
    const nodes: Node[] = [];
    for (;;) {
      const piece = this.#pieces[this.#next];
      if (piece === undefined) return nodes;
      if (piece.kind === 'text') {
        this.#next++;
        nodes.push(piece);
        continue;
      }
      const keyword = word(piece);
      if (keyword === 'else' || keyword === 'end') return nodes;
      this.#next++;
      nodes.push(this.#action(piece, keyword, depth));
    }
  }

  /** The `else` or `end` at which {@link list} stopped. */
  take(): Action | undefined {
    const piece = this.#pieces[this.#next++];
    return piece?.kind === 'action' ? piece : undefined;
  }

  #action(piece: Action, keyword: string | undefined, depth: number): Node {
    const reader = new TokenReader(piece.tokens, piece.source);
    if (keyword === 'if' || keyword === 'with' || keyword === 'range') {
      reader.take();
      return this.#block(keyword, reader, depth + 1);
    }
    return { kind: 'print', pipe: parsePipe(reader, this.#scope, 1) };
  }

  #block(kind: Block, reader: TokenReader, depth: number): Node {
    if (depth > MAX_DEPTH) throw templateError(`more than ${MAX_DEPTH} blocks`, reader.source);
    const outer = this.#scope.length;
    const pipe = parsePipe(reader, this.#scope, kind === 'range' ? 2 : 1);
    const inner = this.#scope.length;
    const body = this.list(depth);
    this.#scope.length = inner;
    const otherwise = this.#otherwise(kind, reader.source, depth);
    this.#scope.length = outer;
    return { kind, pipe, body, otherwise };
  }

  /** What stands between `else` and `end`; takes the `end`. */
  #otherwise(kind: Block, source: string, depth: number): readonly Node[] {
    const close = this.take();
    if (close === undefined) throw templateError(`{{${kind}}} without {{end}}`, source);
    const reader = new TokenReader(close.tokens, close.source);
    reader.take();
    if (word(close) === 'end') {
      if (reader.peek() !== undefined) throw templateError('{{end}} takes nothing', close.source);
      return [];
    }
    const next = reader.take();
    if (next?.kind === 'word' && next.name === 'if' && kind === 'if') {
      return [this.#block('if', reader, depth + 1)];
    }
    if (next !== undefined) {
      const hint = `{{else if}} belongs to {{if}}; ${SUPPORTED}`;
      throw templateError(`what stands behind else is ${NOT_SUPPORTED}`, close.source, hint);
    }
    const nodes = this.list(depth);
    const end = this.take();
    if (end === undefined) throw templateError(`{{${kind}}} without {{end}}`, source);
    if (word(end) !== 'end') throw templateError('a second {{else}}', end.source);
    return nodes;
  }
}

function word(piece: Action): string | undefined {
  const token = piece.tokens[0];
  return token?.kind === 'word' ? token.name : undefined;
}
