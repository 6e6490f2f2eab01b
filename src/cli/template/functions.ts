import { FinchError } from '../../errors.ts';
import { MAX_WIDTH, printf } from './printf.ts';
import { invalidTemplate } from './template-error.ts';
import { formatJson, formatScalar, formatValue, isTrue, kindOf, nameKind } from './value.ts';

type TemplateFunction = (args: readonly unknown[]) => unknown;

/** A function that takes from `least` to `most` arguments. */
function taking(least: number, most: number, body: TemplateFunction): TemplateFunction {
  return (args) => {
    if (args.length >= least && args.length <= most) return body(args);
    const some = most === Number.POSITIVE_INFINITY ? `at least ${least}` : String(least);
    throw new FinchError(
      'TEMPLATE_INVALID',
      `needs ${some} ${least === 1 ? 'argument' : 'arguments'}, not ${args.length}`,
    );
  };
}

const MANY = Number.POSITIVE_INFINITY;
const text = (change: (text: string) => string) =>
  taking(1, 1, ([value]) => change(needString(value)));
const ordered = (test: (order: number) => boolean) => taking(2, 2, ([a, b]) => test(order(a, b)));

/**
 * The functions of Go's text/template and of docker's templates that finch has.
 * https://pkg.go.dev/text/template@go1.26.0#hdr-Functions
 * https://github.com/docker/cli/blob/v29.0.0/templates/templates.go
 */
const functions: ReadonlyMap<string, TemplateFunction> = new Map<string, TemplateFunction>([
  ['json', taking(1, 1, ([value]) => formatJson(value))],
  ['upper', text((value) => value.toUpperCase())],
  ['lower', text((value) => value.toLowerCase())],
  ['title', text(title)],
  ['join', taking(2, 2, ([list, separator]) => needList(list).join(needString(separator)))],
  ['split', taking(2, 2, ([value, separator]) => split(needString(value), needString(separator)))],
  ['pad', taking(3, 3, ([value, before, after]) => pad(needString(value), before, after))],
  ['truncate', taking(2, 2, ([value, length]) => truncate(needString(value), length))],
  ['printf', taking(1, MANY, ([format, ...values]) => printf(needString(format), values))],
  ['print', print],
  ['println', (args) => `${args.map((value) => formatValue(value)).join(' ')}\n`],
  ['index', taking(1, MANY, ([value, ...keys]) => keys.reduce(index, value))],
  ['len', taking(1, 1, ([value]) => length(value))],
  ['eq', taking(2, MANY, ([a, ...others]) => others.some((b) => isEqual(a, b)))],
  ['ne', taking(2, 2, ([a, b]) => !isEqual(a, b))],
  ['lt', ordered((order) => order < 0)],
  ['le', ordered((order) => order <= 0)],
  ['gt', ordered((order) => order > 0)],
  ['ge', ordered((order) => order >= 0)],
  ['not', taking(1, 1, ([value]) => !isTrue(value))],
]);

/** Functions that evaluate their arguments only until the answer is known. */
const lazyFunctions: readonly string[] = ['and', 'or'];

/** What a message says of a part of Go's language that is left out. */
export const NOT_SUPPORTED = 'not supported';

/** A hint that lists what a template can use. */
export const SUPPORTED = `supported are fields, variables, if, range, with and the functions ${[
  ...functions.keys(),
  ...lazyFunctions,
].join(', ')}`;

/** Whether a template can call a function of this name. */
export function isFunction(name: string): boolean {
  return functions.has(name) || lazyFunctions.includes(name);
}

/** In the header of a table the name of a column is not changed by what changes its values. */
const keptInHeader = new Set(['json', 'title', 'lower', 'upper', 'truncate']);

/**
 * Calls a function other than `and` and `or`.
 * @throws FinchError `TEMPLATE_INVALID`, naming the function, when the arguments do not suit it
 */
export function callFunction(
  name: string,
  args: readonly unknown[],
  { header }: { readonly header: boolean },
): unknown {
  if (header && keptInHeader.has(name)) return args[0];
  if (header && name === 'split') return [args[0]];
  if (header && name === 'join') return Array.isArray(args[0]) ? args[0][0] : args[0];
  try {
    return functions.get(name)?.(args);
  } catch (error) {
    if (!(error instanceof FinchError) || error.message.startsWith('invalid template')) throw error;
    throw invalidTemplate(`${name} ${error.message}`);
  }
}

function invalid(message: string): FinchError {
  return new FinchError('TEMPLATE_INVALID', message);
}

function needString(value: unknown): string {
  if (kindOf(value) === 'string') return formatScalar(value);
  throw invalid(`needs a string, not ${nameKind(value)}`);
}

function needList(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.map((item) => formatValue(item));
  throw invalid(`needs a list, not ${nameKind(value)}`);
}

function needCount(value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) {
    if (value <= MAX_WIDTH) return value;
    throw invalid(`needs a number up to ${MAX_WIDTH}`);
  }
  throw invalid(`needs a whole number, not ${nameKind(value)} ${formatValue(value)}`);
}

/** Go's strings.Title: the first letter of every word in upper case, the rest as it is. */
function title(value: string): string {
  let inWord = false;
  const titled = [...value].map((character) => {
    const shown = inWord ? character : character.toUpperCase();
    inWord =
      (character.codePointAt(0) ?? 0) < 0x80
        ? /\w/.test(character)
        : /[\p{L}\p{Nd}]/u.test(character) || !/\s/.test(character);
    return shown;
  });
  return titled.join('');
}

function split(value: string, separator: string): readonly string[] {
  return separator === '' ? [...value] : value.split(separator);
}

function pad(value: string, before: unknown, after: unknown): string {
  if (value === '') return value;
  return ' '.repeat(needCount(before)) + value + ' '.repeat(needCount(after));
}

function truncate(value: string, most: unknown): string {
  return [...value].slice(0, needCount(most)).join('');
}

/** Go's fmt.Sprint: a space between two values of which neither is a string. */
function print(values: readonly unknown[]): string {
  let printed = '';
  let afterString = true;
  for (const value of values) {
    const isString = kindOf(value) === 'string';
    printed += (afterString || isString ? '' : ' ') + formatValue(value);
    afterString = isString;
  }
  return printed;
}

function index(value: unknown, key: unknown): unknown {
  if (kindOf(value) === 'map') {
    const map = Object(value) as Readonly<Record<string, unknown>>;
    const name = needString(key);
    return Object.hasOwn(map, name) ? map[name] : undefined;
  }
  const items = kindOf(value) === 'string' ? Buffer.from(formatScalar(value)) : value;
  if (!Array.isArray(items) && !(items instanceof Uint8Array)) {
    throw invalid(`needs a list, map or string, not ${nameKind(value)}`);
  }
  if (typeof key !== 'number' || !Number.isInteger(key)) {
    throw invalid(`needs a whole number to index a list, not ${nameKind(key)}`);
  }
  if (key < 0 || key >= items.length) {
    throw invalid(`${key} is out of range: there are ${items.length} elements`);
  }
  return items[key];
}

function length(value: unknown): number {
  if (Array.isArray(value)) return value.length;
  if (kindOf(value) === 'map') return Object.keys(Object(value)).length;
  return Buffer.byteLength(needString(value));
}

function isEqual(a: unknown, b: unknown): boolean {
  const [kindA, kindB] = [kindOf(a), kindOf(b)];
  if (kindA === 'nil' || kindB === 'nil') return kindA === kindB;
  if (kindA !== kindB) throw invalid(`cannot compare ${nameKind(a)} with ${nameKind(b)}`);
  if (kindA === 'list' || kindA === 'map') throw invalid(`cannot compare ${kindA}s`);
  return formatScalar(a) === formatScalar(b);
}

function order(a: unknown, b: unknown): number {
  const [kindA, kindB] = [kindOf(a), kindOf(b)];
  if (kindA !== kindB || (kindA !== 'number' && kindA !== 'string')) {
    throw invalid(`cannot order ${nameKind(a)} and ${nameKind(b)}`);
  }
  if (kindA === 'number') return Number(a) - Number(b);
  return Buffer.compare(Buffer.from(formatScalar(a)), Buffer.from(formatScalar(b)));
}
