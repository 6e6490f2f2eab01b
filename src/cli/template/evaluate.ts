import type { Command, Operand, Pipe } from './expression.ts';
import { callFunction } from './functions.ts';
import type { LexOptions } from './lexer.ts';
import { type Node, parseNodes } from './parser.ts';
import { invalidTemplate, templateError } from './template-error.ts';
import { formatValue, isTrue, kindOf, nameKind, sortedEntries } from './value.ts';

/** A parsed `--format` template. */
export interface Template {
  /**
   * The text that the template makes of `value`, its dot.
   * @throws FinchError `TEMPLATE_INVALID` when it asks for a field that is not there, or a function
   *   does not suit its arguments
   */
  render(value: unknown, options?: RenderOptions): string;
}

/** How {@link Template.render} renders. */
interface RenderOptions {
  /** The value holds the titles of columns: functions that change text leave them as they are. Default: false. */
  readonly header?: boolean;
}

/**
 * The template in `text`: the subset of Go's text/template that docker's and Finch's documentation use.
 * @throws FinchError `TEMPLATE_INVALID`, with a hint that lists what is supported
 */
export function parseTemplate(text: string, options: LexOptions = {}): Template {
  const nodes = parseNodes(text, options);
  return {
    render: (value, { header = false } = {}) => new Rendering(value, header).render(nodes),
  };
}

/** One rendering: the text so far and the variables that are in force. */
class Rendering {
  readonly #parts: string[] = [];
  readonly #variables: { readonly name: string; value: unknown }[];
  readonly #root: unknown;
  readonly #header: boolean;

  constructor(root: unknown, header: boolean) {
    this.#root = root;
    this.#header = header;
    this.#variables = [{ name: '$', value: root }];
  }

  render(nodes: readonly Node[]): string {
    this.#list(nodes, this.#root);
    return this.#parts.join('');
  }

  #list(nodes: readonly Node[], dot: unknown): void {
    for (const node of nodes) {
      if (node.kind === 'text') this.#parts.push(node.text);
      else if (node.kind === 'print') this.#print(node.pipe, dot);
      else this.#block(node, dot);
    }
  }

  #print(pipe: Pipe, dot: unknown): void {
    const value = this.#pipe(pipe, dot);
    if (pipe.variables.length > 0) this.#set(pipe, [value]);
    else this.#parts.push(kindOf(value) === 'nil' ? '<no value>' : formatValue(value));
  }

  #block(node: Exclude<Node, { kind: 'text' | 'print' }>, dot: unknown): void {
    const outer = this.#variables.length;
    const value = this.#pipe(node.pipe, dot);
    if (node.kind === 'range') {
      this.#range(node, value, dot);
    } else {
      this.#set(node.pipe, [value]);
      if (isTrue(value)) this.#list(node.body, node.kind === 'with' ? value : dot);
      else this.#list(node.otherwise, dot);
    }
    this.#variables.length = outer;
  }

  #range(node: Exclude<Node, { kind: 'text' | 'print' }>, value: unknown, dot: unknown): void {
    const kind = kindOf(value);
    if (kind !== 'list' && kind !== 'map' && kind !== 'nil') {
      throw templateError(`range needs a list or a map, not ${nameKind(value)}`, node.pipe.source);
    }
    const entries: Iterable<readonly [unknown, unknown]> = Array.isArray(value)
      ? value.entries()
      : sortedEntries(Object(value));
    const outer = this.#variables.length;
    let isEmpty = true;
    for (const [key, item] of entries) {
      isEmpty = false;
      this.#set(node.pipe, node.pipe.variables.length === 1 ? [item] : [key, item]);
      this.#list(node.body, item);
      this.#variables.length = outer;
    }
    if (isEmpty) this.#list(node.otherwise, dot);
  }

  #set(pipe: Pipe, values: readonly unknown[]): void {
    for (const [i, name] of pipe.variables.entries()) {
      const known = this.#variables.findLast((variable) => variable.name === name);
      if (pipe.declares || known === undefined) this.#variables.push({ name, value: values[i] });
      else known.value = values[i];
    }
  }

  #pipe(pipe: Pipe, dot: unknown): unknown {
    let last: readonly unknown[] = [];
    for (const command of pipe.commands) last = [this.#command(command, dot, last)];
    return last[0];
  }

  /** @param piped the result of the command before, if there is one */
  #command({ name, operands }: Command, dot: unknown, piped: readonly unknown[]): unknown {
    const [only] = operands;
    if (name === undefined) return only && this.#operand(only, dot);
    if (name !== 'and' && name !== 'or') {
      const args = operands.map((operand) => this.#operand(operand, dot));
      return callFunction(name, [...args, ...piped], { header: this.#header });
    }
    const wanted = [...operands.map((operand) => () => this.#operand(operand, dot))];
    const args = [...wanted, ...piped.map((value) => () => value)];
    if (args.length === 0) throw invalidTemplate(`${name} needs at least 1 argument, not 0`);
    let value: unknown;
    for (const arg of args) {
      value = arg();
      if (isTrue(value) === (name === 'or')) break;
    }
    return value;
  }

  #operand(operand: Operand, dot: unknown): unknown {
    let value: unknown;
    if (operand.kind === 'literal') value = operand.value;
    else if (operand.kind === 'dot') value = dot;
    else if (operand.kind === 'pipe') value = this.#pipe(operand.pipe, dot);
    else value = this.#variables.findLast(({ name }) => name === operand.name)?.value;
    const taken: string[] = operand.kind === 'variable' ? [operand.name] : [];
    for (const name of operand.path) {
      value = field(value, name, `${operand.kind === 'variable' ? '' : '.'}${taken.join('.')}`);
      taken.push(name);
    }
    return value;
  }
}

/** @param of what the value is called in the template */
function field(value: unknown, name: string, of: string): unknown {
  if (kindOf(value) !== 'map') {
    throw invalidTemplate(`${of} is ${nameKind(value)}, it has no field ${name}`);
  }
  const map = Object(value) as Readonly<Record<string, unknown>>;
  if (Object.hasOwn(map, name) && typeof map[name] !== 'function') return map[name];
  const names = sortedEntries(map).map(([key]) => key);
  const shown = names.slice(0, 30).join(', ') + (names.length > 30 ? ', …' : '');
  throw invalidTemplate(
    `there is no field ${of === '.' ? '' : of}.${name}`,
    names.length === 0 ? 'there are no fields' : `the fields are ${shown}`,
  );
}
