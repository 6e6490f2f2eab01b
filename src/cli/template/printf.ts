import type { FinchError } from '../../errors.ts';
import { invalidTemplate } from './template-error.ts';
import { formatScalar, formatValue, kindOf, nameKind } from './value.ts';

/** The widest field and the longest padding that a template may ask for. */
export const MAX_WIDTH = 10_000;

const VERB = /%(?:%|([-0]*)(\d*)(?:\.(\d*))?([\s\S]|$))/gu;
const VERBS = 's v d q x t';

/**
 * Go's `fmt.Sprintf` with the verbs `%s %v %d %q %x %t %%`, widths, precisions of text, and the flags
 * `-` and `0`. Where Go prints a complaint (`%!d(string=x)`) this throws.
 * https://pkg.go.dev/fmt@go1.26.0#hdr-Printing
 * @throws FinchError `TEMPLATE_INVALID`
 */
export function printf(format: string, values: readonly unknown[]): string {
  let used = 0;
  const text = format.replace(
    VERB,
    (whole, flags?: string, width?: string, precision?: string, verb?: string) => {
      if (whole === '%%') return '%';
      if (verb === undefined || verb === '' || !VERBS.split(' ').includes(verb)) {
        throw invalid(`${JSON.stringify(whole)} is not supported`, `verbs are %${VERBS} and %%`);
      }
      if (used >= values.length) throw invalid(`there is no value for ${whole}`);
      return formatOne(values[used++], {
        verb,
        width: Number(width ?? ''),
        left: flags?.includes('-') === true,
        zero: flags?.includes('0') === true,
        ...(precision !== undefined && { precision: Number(precision) }),
      });
    },
  );
  if (used < values.length) throw invalid(`there are ${values.length} values for ${used} verbs`);
  return text;
}

interface Verb {
  readonly verb: string;
  readonly width: number;
  readonly left: boolean;
  readonly zero: boolean;
  readonly precision?: number;
}

/** Width and precision hold for each element of a list or map. */
function formatOne(value: unknown, options: Verb): string {
  return formatValue(value, (item) => pad(formatItem(item, options), item, options));
}

function formatItem(item: unknown, { verb, precision }: Verb): string {
  const cut = (text: string) =>
    precision === undefined ? text : [...text].slice(0, precision).join('');
  const kind = kindOf(item);
  const wrong = (need: string) => invalid(`%${verb} needs ${need}, not ${nameKind(item)}`);
  switch (verb) {
    case 'd':
      if (kind !== 'number' || !isWhole(item)) throw wrong('a whole number');
      return formatScalar(item);
    case 't':
      if (kind !== 'bool') throw wrong('a bool');
      return formatScalar(item);
    case 'x':
      if (kind === 'string') return Buffer.from(cut(formatScalar(item))).toString('hex');
      if (kind !== 'number' || !isWhole(item)) throw wrong('a string or a whole number');
      return BigInt(formatScalar(item)).toString(16);
    case 'q':
      if (kind !== 'string') throw wrong('a string');
      return quote(cut(formatScalar(item)));
    default:
      return kind === 'string' ? cut(formatScalar(item)) : formatScalar(item);
  }
}

function isWhole(value: unknown): boolean {
  return typeof value === 'bigint' || (Number.isInteger(value) && Math.abs(Number(value)) < 1e21);
}

function pad(text: string, item: unknown, { width, left, zero }: Verb): string {
  if (width > MAX_WIDTH) throw invalid(`a width of more than ${MAX_WIDTH}`);
  const missing = width - [...text].length;
  if (missing <= 0) return text;
  if (left) return text + ' '.repeat(missing);
  if (!zero || kindOf(item) !== 'number') return ' '.repeat(missing) + text;
  const sign = text.startsWith('-') ? '-' : '';
  return sign + '0'.repeat(missing) + text.slice(sign.length);
}

/** A text in Go's double quotes. https://pkg.go.dev/strconv@go1.26.0#Quote */
function quote(text: string): string {
  const short = new Map(Object.entries({ '\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't' }));
  short.set('\v', 'v').set('\x07', 'a').set('"', '"').set('\\', '\\');
  const characters = [...text].map((character) => {
    const letter = short.get(character);
    if (letter !== undefined) return `\\${letter}`;
    const code = character.codePointAt(0) ?? 0;
    if (character === ' ' || /[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(character)) return character;
    if (code < 0x80) return `\\x${code.toString(16).padStart(2, '0')}`;
    if (code < 0x10000) return `\\u${code.toString(16).padStart(4, '0')}`;
    return `\\U${code.toString(16).padStart(8, '0')}`;
  });
  return `"${characters.join('')}"`;
}

function invalid(what: string, hint?: string): FinchError {
  return invalidTemplate(`printf: ${what}`, hint);
}
