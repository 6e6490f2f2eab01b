import { templateError } from './template-error.ts';

/** One word of an action. `spaced`: white space stands before it. */
export type Token = { readonly spaced: boolean } & (
  | { readonly kind: 'word' | 'field' | 'variable'; readonly name: string }
  | { readonly kind: 'literal'; readonly value: string | number }
  | { readonly kind: 'dot' }
  | { readonly kind: 'symbol'; readonly symbol: '(' | ')' | '|' | ',' | ':=' | '=' }
);

/** A template is text and actions in turn. `source` is the action as typed, for messages. */
export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly tokens: readonly Token[]; readonly source: string };

/** How {@link lexTemplate} reads. */
export interface LexOptions {
  /** Takes `\t` and `\n` in the text between actions for a tab and a line feed. Default: false. */
  readonly escapes?: boolean;
}

const COMMENT = /^\{\{(-[ \t\r\n]+)?\/\*[\s\S]*?\*\/([ \t\r\n]+-)?\}\}/;
const TRIM_OPEN = /^\{\{-[ \t\r\n]/;
const TRIM_CLOSE = /^[ \t\r\n]+-\}\}/;
const SPACE = /^[ \t\r\n]+/;
// Begins where the space does, or a long one in the middle would be tried from each of its places.
const SPACE_AT_END = /(?<![ \t\r\n])[ \t\r\n]+$/;
const NAME = /^[\p{L}_][\p{L}\p{Nd}_]*/u;
const NUMBER = /^[+-]?(?:0[xX][0-9a-fA-F]+|(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)/;
const QUOTED = /^"(?:[^"\\\n]|\\[^\n])*"/;
const RAW = /^`[^`]*`/;
const SYMBOL = /^(?::=|[()|,=])/;
const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([\s\S]|$))/g;
const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
};

/**
 * Cuts a template into text and actions, as Go's text/template does: comments are gone and trim
 * markers are obeyed.
 * https://pkg.go.dev/text/template@go1.26.0#hdr-Text_and_spaces
 * @throws FinchError `TEMPLATE_INVALID`
 */
export function lexTemplate(source: string, options: LexOptions = {}): readonly Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  let trimStart = false;
  for (;;) {
    const open = source.indexOf('{{', at);
    let text = source.slice(at, open === -1 ? undefined : open);
    if (options.escapes) text = text.replaceAll('\\t', '\t').replaceAll('\\n', '\n');
    if (trimStart) text = text.replace(/^[ \t\r\n]+/, '');
    if (open === -1) {
      if (text !== '') pieces.push({ kind: 'text', text });
      return pieces;
    }
    const rest = source.slice(open);
    const comment = COMMENT.exec(rest);
    if (comment?.[1] !== undefined || TRIM_OPEN.test(rest)) text = text.replace(SPACE_AT_END, '');
    if (text !== '') pieces.push({ kind: 'text', text });
    if (comment) {
      at = open + comment[0].length;
      trimStart = comment[2] !== undefined;
    } else {
      const action = lexAction(rest);
      pieces.push({ kind: 'action', tokens: action.tokens, source: rest.slice(0, action.length) });
      at = open + action.length;
      trimStart = action.trims;
    }
  }
}

function lexAction(source: string): { tokens: Token[]; length: number; trims: boolean } {
  const tokens: Token[] = [];
  let at = TRIM_OPEN.test(source) ? 3 : 2;
  for (;;) {
    const rest = source.slice(at);
    const close = TRIM_CLOSE.exec(rest);
    if (close) return { tokens, length: at + close[0].length, trims: true };
    if (rest.startsWith('}}')) return { tokens, length: at + 2, trims: false };
    const space = SPACE.exec(rest)?.[0].length ?? 0;
    if (space > 0) {
      at += space;
      if (source.startsWith('}}', at)) continue;
    }
    const token = lexToken(source, at, space > 0);
    tokens.push(token.token);
    at += token.length;
  }
}

function lexToken(source: string, at: number, spaced: boolean): { token: Token; length: number } {
  const rest = source.slice(at);
  const first = rest[0] ?? '';
  if (first === '') throw templateError('{{ without }}', source);
  const number = NUMBER.exec(rest)?.[0];
  if (number !== undefined) {
    const sign = number.startsWith('-') ? -1 : 1;
    const value = sign * Number(number.replace(/^[+-]/, ''));
    return { token: { kind: 'literal', value, spaced }, length: number.length };
  }
  if (first === '.' || first === '$') {
    const name = NAME.exec(rest.slice(1))?.[0] ?? '';
    const length = 1 + name.length;
    if (first === '$') return { token: { kind: 'variable', name: `$${name}`, spaced }, length };
    if (name === '') return { token: { kind: 'dot', spaced }, length };
    return { token: { kind: 'field', name, spaced }, length };
  }
  const raw = RAW.exec(rest)?.[0];
  if (raw !== undefined) {
    const value = raw.slice(1, -1).replaceAll('\r', '');
    return { token: { kind: 'literal', value, spaced }, length: raw.length };
  }
  const quoted = QUOTED.exec(rest)?.[0];
  if (quoted !== undefined) {
    const value = unquote(quoted, source);
    return { token: { kind: 'literal', value, spaced }, length: quoted.length };
  }
  if (first === '"' || first === '`') throw templateError(`a text without closing ${first}`, rest);
  if (first === "'") throw templateError("' cannot quote text", rest, 'use "…" or `…`');
  const symbol = SYMBOL.exec(rest)?.[0] as '(' | ')' | '|' | ',' | ':=' | '=' | undefined;
  if (symbol !== undefined) {
    return { token: { kind: 'symbol', symbol, spaced }, length: symbol.length };
  }
  const name = NAME.exec(rest)?.[0];
  if (name !== undefined) return { token: { kind: 'word', name, spaced }, length: name.length };
  throw templateError(`unexpected ${JSON.stringify([...rest.slice(0, 2)][0])}`, rest);
}

/** What a Go string literal in double quotes means. https://go.dev/ref/spec#String_literals */
function unquote(literal: string, source: string): string {
  return literal
    .slice(1, -1)
    .replace(
      ESCAPE,
      (whole, hex?: string, octal?: string, u?: string, U?: string, one?: string) => {
        const invalid = () =>
          templateError(`${whole} is no escape`, source, 'quote with `…` instead');
        if (one !== undefined) {
          const simple = SIMPLE_ESCAPES[one];
          if (simple === undefined) throw invalid();
          return simple;
        }
        const isByte = hex !== undefined || octal !== undefined;
        const code = octal !== undefined ? Number.parseInt(octal, 8) : hexOf(hex ?? u ?? U ?? '');
        if ((isByte && code > 0x7f) || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
          throw invalid();
        }
        return String.fromCodePoint(code);
      },
    );
}

function hexOf(digits: string): number {
  return Number.parseInt(digits, 16);
}
