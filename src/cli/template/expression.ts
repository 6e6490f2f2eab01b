import { isFunction, NOT_SUPPORTED, SUPPORTED } from './functions.ts';
import type { Token } from './lexer.ts';
import { templateError } from './template-error.ts';

/** Commands, each of which gets the result of the one before as its last argument. */
export interface Pipe {
  /** Variables that take the result: at most one, two in a `range`. */
  readonly variables: readonly string[];
  /** Whether {@link variables} are new (`:=`) or those of an outer block (`=`). */
  readonly declares: boolean;
  readonly commands: readonly Command[];
  /** The action that it stands in, for messages. */
  readonly source: string;
}

/** A value, or a function and its arguments. */
export interface Command {
  /** Set when the command is a function. */
  readonly name?: string;
  /** The arguments, or the one value. */
  readonly operands: readonly Operand[];
}

/** A value in a {@link Command}; `path` are the fields that are taken from it. */
export type Operand = { readonly path: readonly string[] } & (
  | { readonly kind: 'dot' }
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'pipe'; readonly pipe: Pipe }
);

/** Parentheses and blocks that may stand in each other: more than anyone writes, less than a stack. */
export const MAX_DEPTH = 100;

/** Reads the tokens of one action from the front. */
export class TokenReader {
  readonly source: string;
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(tokens: readonly Token[], source: string) {
    this.#tokens = tokens;
    this.source = source;
  }

  peek(ahead = 0): Token | undefined {
    return this.#tokens[this.#next + ahead];
  }

  take(): Token | undefined {
    return this.#tokens[this.#next++];
  }

  /** Takes the token if it is this symbol. */
  takeSymbol(symbol: string): boolean {
    const token = this.peek();
    const matches = token?.kind === 'symbol' && token.symbol === symbol;
    if (matches) this.#next++;
    return matches;
  }
}

/**
 * Parses the rest of an action as a pipe. New variables are added to `scope`.
 * @param scope the names of the variables that are known here
 * @param most how many variables the pipe may set
 * @throws FinchError `TEMPLATE_INVALID`
 */
export function parsePipe(reader: TokenReader, scope: string[], most: 0 | 1 | 2): Pipe {
  const { variables, declares } = parseTargets(reader, scope, most);
  const commands = parseCommands(reader, scope, 0);
  if (reader.peek() !== undefined) throw unexpected(reader);
  if (declares) scope.push(...variables);
  return { variables, declares, commands, source: reader.source };
}

/** The `$x :=`, `$x =` or `$i, $e :=` that a pipe begins with, if it does. */
function parseTargets(reader: TokenReader, scope: readonly string[], most: number) {
  const variables: string[] = [];
  for (let ahead = 0; ; ahead += 2) {
    const variable = reader.peek(ahead);
    const symbol = reader.peek(ahead + 1);
    if (variable?.kind !== 'variable' || symbol?.kind !== 'symbol') break;
    variables.push(variable.name);
    if (symbol.symbol === ',') continue;
    if (symbol.symbol !== ':=' && symbol.symbol !== '=') break;
    if (variables.length > most) throw templateError('too many variables', reader.source);
    const declares = symbol.symbol === ':=';
    const unknown = variables.find((name) => !declares && !scope.includes(name));
    if (unknown !== undefined) throw noVariable(unknown, reader);
    for (let taken = 0; taken < variables.length * 2; taken++) reader.take();
    return { variables, declares };
  }
  return { variables: [], declares: false };
}

function parseCommands(reader: TokenReader, scope: readonly string[], depth: number): Command[] {
  if (depth > MAX_DEPTH) throw templateError(`more than ${MAX_DEPTH} parentheses`, reader.source);
  const commands: Command[] = [];
  do {
    const command = parseCommand(reader, scope, depth);
    const [value] = command.operands;
    if (command.name === undefined && commands.length > 0) {
      throw templateError('only a function can stand behind |', reader.source, SUPPORTED);
    }
    if (command.name === undefined && value?.kind === 'literal' && value.value === null) {
      throw templateError('nil stands alone', reader.source);
    }
    commands.push(command);
  } while (reader.takeSymbol('|'));
  return commands;
}

function parseCommand(reader: TokenReader, scope: readonly string[], depth: number): Command {
  const first = reader.peek();
  if (first?.kind === 'word' && !(first.name in CONSTANTS)) {
    reader.take();
    return { name: functionName(first.name, reader), operands: operands(reader, scope, depth) };
  }
  const values = operands(reader, scope, depth);
  if (values.length === 0) throw unexpected(reader);
  if (values.length > 1) {
    throw templateError(
      'a value that is no function has arguments',
      reader.source,
      `methods are ${NOT_SUPPORTED}; ${SUPPORTED}`,
    );
  }
  return { operands: values };
}

function operands(reader: TokenReader, scope: readonly string[], depth: number): Operand[] {
  const found: Operand[] = [];
  for (;;) {
    const operand = parseOperand(reader, scope, depth);
    if (operand === undefined) return found;
    found.push(operand);
    const next = reader.peek();
    if (next !== undefined && next.kind !== 'symbol' && !next.spaced) throw unexpected(reader);
  }
}

const CONSTANTS: Readonly<Record<string, boolean | null>> = Object.assign(Object.create(null), {
  true: true,
  false: false,
  nil: null,
});

/** The operand that begins here; undefined at the end of the command. */
function parseOperand(
  reader: TokenReader,
  scope: readonly string[],
  depth: number,
): Operand | undefined {
  const token = reader.peek();
  if (token === undefined || (token.kind === 'symbol' && token.symbol !== '(')) return undefined;
  reader.take();
  switch (token.kind) {
    case 'dot':
      return { kind: 'dot', path: [] };
    case 'field':
      return { kind: 'dot', path: [token.name, ...parsePath(reader)] };
    case 'literal':
      return { kind: 'literal', value: token.value, path: [] };
    case 'variable':
      if (!scope.includes(token.name)) throw noVariable(token.name, reader);
      return { kind: 'variable', name: token.name, path: parsePath(reader) };
    case 'word': {
      const constant = CONSTANTS[token.name];
      if (constant !== undefined) return { kind: 'literal', value: constant, path: [] };
      // A function without arguments may be an argument.
      const name = functionName(token.name, reader);
      const commands = [{ name, operands: [] }];
      const pipe = { variables: [], declares: false, commands, source: reader.source };
      return { kind: 'pipe', pipe, path: [] };
    }
    case 'symbol': {
      const commands = parseCommands(reader, scope, depth + 1);
      if (!reader.takeSymbol(')')) throw templateError('( without )', reader.source);
      const pipe = { variables: [], declares: false, commands, source: reader.source };
      return { kind: 'pipe', pipe, path: parsePath(reader) };
    }
  }
}

function parsePath(reader: TokenReader): string[] {
  const path: string[] = [];
  for (;;) {
    const token = reader.peek();
    if (token?.kind !== 'field' || token.spaced) return path;
    path.push(token.name);
    reader.take();
  }
}

function functionName(name: string, reader: TokenReader): string {
  if (isFunction(name)) return name;
  throw templateError(`${name} is ${NOT_SUPPORTED}`, reader.source, SUPPORTED);
}

function noVariable(name: string, reader: TokenReader): Error {
  return templateError(`there is no variable ${name}`, reader.source);
}

function unexpected(reader: TokenReader): Error {
  const token = reader.peek();
  if (token === undefined) return templateError('a value is missing', reader.source);
  const shown =
    token.kind === 'symbol'
      ? token.symbol
      : token.kind === 'literal'
        ? JSON.stringify(token.value)
        : token.kind === 'dot'
          ? '.'
          : token.kind === 'field'
            ? `.${token.name}`
            : token.name;
  return templateError(`${shown} is not expected`, reader.source);
}
